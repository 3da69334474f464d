import { expect, test } from "vitest";
import { uninjectedPod } from "../../../src/cluster/uninjected-pod.ts";

const APP = { name: "app", image: "app:1" };
const OWNER = { apiVersion: "batch/v1", kind: "Job", name: "import", uid: "u", controller: true };

test("an injected pod loses everything that injection and the cluster added", () => {
  const status = {
    initContainers: ["istio-init"],
    containers: ["istio-proxy"],
    volumes: ["istio-token"],
    imagePullSecrets: ["istio-pull"],
    revision: "asm-1-27",
  };
  const own = { containers: [{ name: "istio-proxy", args: ["proxy", "router"] }] };
  const pod = uninjectedPod({
    metadata: {
      name: "import-x",
      namespace: "shop",
      uid: "p",
      resourceVersion: "7",
      labels: { app: "import", "job-name": "import" },
      annotations: {
        note: "mine",
        "istio.io/rev": "asm-1-27",
        "sidecar.istio.io/status": JSON.stringify(status),
        "proxy.istio.io/overrides": JSON.stringify(own),
      },
      ownerReferences: [{ ...OWNER, blockOwnerDeletion: true }],
    },
    spec: {
      nodeName: "node-1",
      restartPolicy: "Never",
      containers: [APP, { name: "istio-proxy", image: "proxyv2:1" }],
      initContainers: [{ name: "istio-init", image: "proxyv2:1" }, { name: "own-init" }],
      ephemeralContainers: [{ name: "debugger" }],
      volumes: [{ name: "istio-token" }, { name: "data" }],
      imagePullSecrets: [{ name: "istio-pull" }, { name: "mine" }],
    },
    status: { phase: "Running" },
  });
  expect(pod).toEqual({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: "import-x-",
      namespace: "shop",
      labels: { app: "import", "job-name": "import" },
      annotations: { note: "mine" },
      ownerReferences: [OWNER],
    },
    spec: {
      restartPolicy: "Never",
      containers: [APP, { name: "istio-proxy", image: "auto", args: ["proxy", "router"] }],
      initContainers: [{ name: "own-init" }],
      volumes: [{ name: "data" }],
      imagePullSecrets: [{ name: "mine" }],
    },
  });
});

test.each([
  ["an ordinary container", {}, [APP, { name: "istio-proxy", image: "own:1" }], []],
  [
    "a native sidecar",
    { restartPolicy: "Always" },
    [APP],
    [{ name: "istio-proxy", image: "own:1", restartPolicy: "Always" }],
  ],
])("a native sidecar returns to %s of the template", (_what, policy, containers, init) => {
  const status = { initContainers: ["istio-init", "istio-proxy"], containers: null };
  const own = { initContainers: [{ name: "istio-proxy", image: "own:1", ...policy }] };
  const { spec } = uninjectedPod({
    metadata: {
      annotations: {
        "sidecar.istio.io/status": JSON.stringify(status),
        "proxy.istio.io/overrides": JSON.stringify(own),
      },
    },
    spec: {
      containers: [APP],
      initContainers: [{ name: "istio-init" }, { name: "istio-proxy", restartPolicy: "Always" }],
    },
  });
  expect([spec?.containers, spec?.initContainers]).toEqual([containers, init]);
});

test("a pod that was not injected keeps its containers", () => {
  const spec = { containers: [APP, { name: "istio-proxy", image: "own:1" }] };
  expect(uninjectedPod({ metadata: { name: "web" }, spec }).spec).toMatchObject(spec);
});

test("a pod that lost its annotations loses the containers with the names of injection", () => {
  const proxy = { name: "istio-proxy", image: "proxyv2:1", args: ["proxy", "sidecar"] };
  const pod = uninjectedPod({
    metadata: { name: "x" },
    spec: { containers: [APP, proxy], initContainers: [{ name: "istio-init" }, { name: "own" }] },
  });
  expect(pod.spec).toMatchObject({ containers: [APP], initContainers: [{ name: "own" }] });
  const own = { name: "istio-proxy", image: "own:1" };
  const kept = uninjectedPod({ metadata: { name: "x" }, spec: { containers: [APP, own] } });
  expect(kept.spec?.containers).toEqual([APP, own]);
});

test("probes, hooks and metrics that injection redirects to the sidecar are those of the application", () => {
  const redirected = (path: string) => ({ path, port: 15_020 });
  const probers = {
    "/app-health/app/livez": { httpGet: { path: "/live", port: 8080 }, timeoutSeconds: 1 },
    "/app-health/app/readyz": { tcpSocket: { port: 8080 } },
    "/app-lifecycle/app/prestopz": { httpGet: { path: "/stop", port: 8080 } },
  };
  const env = [
    { name: "ISTIO_KUBE_APP_PROBERS", value: JSON.stringify(probers) },
    {
      name: "ISTIO_PROMETHEUS_ANNOTATIONS",
      value: JSON.stringify({ scrape: "true", path: "", port: "9090" }),
    },
  ];
  const own = { exec: { command: ["true"] } };
  const { metadata, spec } = uninjectedPod({
    metadata: {
      name: "web",
      annotations: {
        "sidecar.istio.io/status": JSON.stringify({ initContainers: ["istio-proxy"] }),
        "prometheus.io/port": "15020",
        "prometheus.io/path": "/stats/prometheus",
        "prometheus.io/scrape": "true",
      },
    },
    spec: {
      containers: [
        {
          ...APP,
          livenessProbe: { httpGet: redirected("/app-health/app/livez"), failureThreshold: 5 },
          readinessProbe: { httpGet: redirected("/app-health/app/readyz") },
          startupProbe: own,
          lifecycle: { preStop: { httpGet: redirected("/app-lifecycle/app/prestopz") } },
        },
      ],
      initContainers: [{ name: "istio-proxy", image: "proxyv2:1", env }],
    },
  });
  expect(metadata?.annotations).toEqual({
    "prometheus.io/scrape": "true",
    "prometheus.io/port": "9090",
  });
  expect(spec?.containers).toEqual([
    {
      ...APP,
      livenessProbe: { httpGet: { path: "/live", port: 8080 }, failureThreshold: 5 },
      readinessProbe: { tcpSocket: { port: 8080 } },
      startupProbe: own,
      lifecycle: { preStop: { httpGet: { path: "/stop", port: 8080 } } },
    },
  ]);
});
