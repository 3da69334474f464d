import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { driftOf, type PodComparison } from "../../../src/mesh/drift.ts";

type Fields = Record<string, unknown>;

const SECRET = "s3cr3t-value";

const APP = {
  name: "app",
  image: "registry.example.com/app:1",
  env: [{ name: "PASSWORD", value: SECRET }],
  resources: {},
  terminationMessagePath: "/dev/termination-log",
};

const CONFIG = { discoveryAddress: "istiod-asm-1-27.aks-istio-system.svc:15012" };

const PROXY = {
  name: "istio-proxy",
  image: "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.7-1",
  args: ["proxy", "sidecar"],
  env: [
    { name: "PROXY_CONFIG", value: JSON.stringify(CONFIG) },
    { name: "CA_ADDR", value: "istiod-asm-1-27.aks-istio-system.svc:15012" },
  ],
  resources: { requests: { cpu: "100m", memory: "128Mi" } },
};

const INIT = { name: "istio-init", image: PROXY.image, args: ["istio-iptables"] };

const STATUS = {
  initContainers: ["istio-init"],
  containers: ["istio-proxy"],
  volumes: ["istio-envoy"],
  revision: "asm-1-27",
};

/** A pod as the API server answers it, with the sidecar at the end of its containers. */
function pod(change: { readonly [Part in "metadata" | "spec"]?: Fields } = {}): Fields {
  return {
    metadata: {
      labels: { app: "web", "pod-template-hash": "0000000000" },
      annotations: {
        "istio.io/rev": "asm-1-27",
        "sidecar.istio.io/status": JSON.stringify(STATUS),
      },
      ...change.metadata,
    },
    spec: {
      containers: [APP, PROXY],
      initContainers: [INIT],
      volumes: [{ name: "istio-envoy", emptyDir: {} }],
      ...change.spec,
    },
  };
}

const ASKED = {
  metadata: { labels: { app: "web" } },
  spec: { containers: [APP], volumes: [] },
};

function drift(live: Fields, answer: Fields, rest: Partial<PodComparison> = {}) {
  return driftOf({ live, asked: ASKED, answer, ...rest });
}

/** The paths, kinds and values in one line each. */
function lines(live: Fields, answer: Fields, rest: Partial<PodComparison> = {}): string[] {
  return drift(live, answer, rest).map(
    ({ path, what, from, to }) => `${what} ${path}: ${from} -> ${to}`,
  );
}

const withProxy = (proxy: Fields) => pod({ spec: { containers: [APP, proxy] } });
const withApp = (app: Fields, ...others: Fields[]) =>
  pod({ spec: { containers: [{ ...APP, ...app }, PROXY, ...others] } });
const withConfig = (config: Fields) =>
  withProxy({
    ...PROXY,
    env: PROXY.env.map((one) =>
      one.name === "PROXY_CONFIG" ? { ...one, value: JSON.stringify(config) } : one,
    ),
  });

describe("a difference is classified, and only values of Istio are shown", () => {
  const { image } = PROXY;
  const NEW = image.replace(".7-1", ".9-6");
  const cases: readonly (readonly [string, Fields, readonly string[]])[] = [
    [
      "a patch changes the images alone",
      pod({
        spec: {
          containers: [APP, { ...PROXY, image: NEW }],
          initContainers: [{ ...INIT, image: NEW }],
        },
      }),
      [
        `proxy-image spec.containers[istio-proxy].image: ${image} -> ${NEW}`,
        `proxy-image spec.initContainers[istio-init].image: ${image} -> ${NEW}`,
      ],
    ],
    [
      "the resources of the sidecar",
      withProxy({ ...PROXY, resources: { requests: { cpu: "250m" }, limits: { memory: "1Gi" } } }),
      [
        "proxy-resources spec.containers[istio-proxy].resources.limits.memory: null -> 1Gi",
        "proxy-resources spec.containers[istio-proxy].resources.requests.cpu: 100m -> 250m",
        "proxy-resources spec.containers[istio-proxy].resources.requests.memory: 128Mi -> null",
      ],
    ],
    [
      "the mesh configuration, field by field",
      withConfig({ holdApplicationUntilProxyStarts: true, drainDuration: "30s", ...CONFIG }),
      [
        "proxy-config spec.containers[istio-proxy].env[PROXY_CONFIG].drainDuration: null -> 30s",
        "proxy-config spec.containers[istio-proxy].env[PROXY_CONFIG].holdApplicationUntilProxyStarts: null -> true",
      ],
    ],
    [
      "variables and tracing in the mesh configuration may be secrets",
      withConfig({ ...CONFIG, proxyMetadata: { TOKEN: SECRET }, tracing: { token: SECRET } }),
      [
        "proxy-config spec.containers[istio-proxy].env[PROXY_CONFIG].proxyMetadata: null -> null",
        "proxy-config spec.containers[istio-proxy].env[PROXY_CONFIG].tracing: null -> null",
      ],
    ],
    [
      "a variable of the sidecar that Istio does not define",
      withProxy({ ...PROXY, env: [...PROXY.env, { name: "TOKEN", value: SECRET }] }),
      ["proxy-config spec.containers[istio-proxy].env[TOKEN]: null -> null"],
    ],
    [
      "arguments of the sidecar",
      withProxy({ ...PROXY, args: ["proxy", "sidecar", "--concurrency=2"] }),
      [
        `proxy-config spec.containers[istio-proxy].args: ["proxy","sidecar"] -> ["proxy","sidecar","--concurrency=2"]`,
      ],
    ],
    [
      "the CNI plugin",
      pod({ spec: { initContainers: [{ ...INIT, name: "istio-validation" }] } }),
      [
        "interception spec.initContainers[istio-init]: null -> null",
        "interception spec.initContainers[istio-validation]: null -> null",
      ],
    ],
    [
      "a native sidecar, which has other probes",
      pod({
        spec: {
          containers: [APP],
          initContainers: [
            INIT,
            { ...PROXY, restartPolicy: "Always", startupProbe: { failureThreshold: 600 } },
          ],
        },
        metadata: {
          ...(pod()["metadata"] as Fields),
          annotations: {
            "istio.io/rev": "asm-1-27",
            "sidecar.istio.io/status": JSON.stringify({
              ...STATUS,
              containers: null,
              initContainers: ["istio-init", "istio-proxy"],
            }),
          },
        },
      }),
      ["interception spec.initContainers[istio-proxy]: ordinary -> native"],
    ],
    [
      "the resources of the application, by a LimitRange",
      pod({
        metadata: {
          ...(pod()["metadata"] as Fields),
          annotations: {
            ...((pod()["metadata"] as Fields)["annotations"] as Fields),
            "kubernetes.io/limit-ranger": "LimitRanger plugin set: cpu request for container app",
          },
        },
        spec: { containers: [{ ...APP, resources: { requests: { cpu: "50m" } } }, PROXY] },
      }),
      [
        "application spec.containers[app].resources.requests.cpu: null -> null",
        "metadata metadata.annotations[kubernetes.io/limit-ranger]: null -> null",
      ],
    ],
    [
      "a variable with a secret value",
      withApp({ env: [{ name: "PASSWORD", value: "another" }] }),
      ["application spec.containers[app].env[PASSWORD]: null -> null"],
    ],
    [
      "a container, a variable and a mount of another webhook",
      withApp(
        {
          env: [...APP.env, { name: "AZURE_TOKEN", value: SECRET }],
          volumeMounts: [{ name: "agent", mountPath: "/agent" }],
        },
        { name: "agent", image: "agent:1", env: [{ name: "TOKEN", value: SECRET }] },
      ),
      [
        "other-webhook spec.containers[agent]: null -> null",
        "other-webhook spec.containers[app].env[AZURE_TOKEN]: null -> null",
        "other-webhook spec.containers[app].volumeMounts[/agent]: null -> null",
      ],
    ],
    [
      "volumes of Istio and of another webhook",
      pod({ spec: { volumes: [{ name: "agent", secret: { secretName: "a" } }] } }),
      [
        "proxy-config spec.volumes[istio-envoy]: null -> null",
        "other-webhook spec.volumes[agent]: null -> null",
      ],
    ],
    [
      "a priority class, once",
      pod({ spec: { priorityClassName: "high", priority: 1000, preemptionPolicy: "Never" } }),
      ["application spec.priorityClassName: null -> null"],
    ],
    [
      "another value of the same priority class",
      pod({ spec: { priority: 1000 } }),
      ["application spec.priority: null -> null"],
    ],
    [
      "another revision",
      pod({
        metadata: {
          ...(pod()["metadata"] as Fields),
          annotations: {
            "istio.io/rev": "asm-1-28",
            "sidecar.istio.io/status": JSON.stringify({ ...STATUS, revision: "asm-1-28" }),
          },
        },
      }),
      [
        "metadata metadata.annotations[istio.io/rev]: asm-1-27 -> asm-1-28",
        "metadata metadata.annotations[sidecar.istio.io/status].revision: asm-1-27 -> asm-1-28",
      ],
    ],
    [
      "an annotation and a label with values of others",
      pod({
        metadata: {
          labels: { app: "web", "pod-template-hash": "0000000000", team: SECRET },
          annotations: {
            ...((pod()["metadata"] as Fields)["annotations"] as Fields),
            note: SECRET,
            "traffic.sidecar.istio.io/includeInboundPorts": "*",
          },
        },
      }),
      [
        "interception metadata.annotations[traffic.sidecar.istio.io/includeInboundPorts]: null -> *",
        "metadata metadata.annotations.note: null -> null",
        "metadata metadata.labels.team: null -> null",
      ],
    ],
  ];
  test.each(cases)("%s", (_title, answer, expected) => {
    expect(lines(pod(), answer)).toEqual(expected);
    expect(JSON.stringify(lines(answer, pod()))).not.toContain(SECRET);
  });

  test("a label of Istio is shown with its value", () => {
    const labels = { app: "web", "pod-template-hash": "0000000000" };
    const network = { ...labels, "topology.istio.io/network": "one" };
    const { annotations } = pod()["metadata"] as Fields;
    expect(lines(pod(), pod({ metadata: { annotations, labels: network } }))).toEqual([
      "metadata metadata.labels[topology.istio.io/network]: null -> one",
    ]);
  });

  test("the order of fields in the mesh configuration makes no difference", () => {
    const one = withConfig({ drainDuration: "30s", ...CONFIG });
    const other = withConfig({ ...CONFIG, drainDuration: "30s" });
    expect(drift(one, other)).toEqual([]);
  });

  test("the values of a sidecar that the user wrote parts of are hidden, except for images and resources", () => {
    const annotations = {
      ...((pod()["metadata"] as Fields)["annotations"] as Fields),
      "proxy.istio.io/overrides": `{"containers":[{"name":"istio-proxy"}]}`,
    };
    const live = pod({ metadata: { annotations } });
    const answer = pod({
      metadata: { annotations },
      spec: {
        containers: [APP, { ...PROXY, image: "p:2", args: [SECRET], env: [] }],
      },
    });
    expect(lines(live, answer)).toEqual([
      `proxy-image spec.containers[istio-proxy].image: ${PROXY.image} -> p:2`,
      "proxy-config spec.containers[istio-proxy].args: null -> null",
      "proxy-config spec.containers[istio-proxy].env[CA_ADDR]: null -> null",
      "proxy-config spec.containers[istio-proxy].env[PROXY_CONFIG]: null -> null",
    ]);
  });
});

describe("fields that the cluster fills in for each pod are no drift", () => {
  const token = (suffix: string) => ({
    volumes: [{ name: "istio-envoy", emptyDir: {} }, { name: `kube-api-access-${suffix}` }],
    containers: [
      {
        ...APP,
        volumeMounts: [{ name: `kube-api-access-${suffix}`, mountPath: "/var/run/secrets" }],
      },
      PROXY,
    ],
  });
  const cases: readonly (readonly [string, Fields, Fields])[] = [
    ["the node", { spec: { nodeName: "node-1" } }, {}],
    ["debug containers", { spec: { ephemeralContainers: [{ name: "debug" }] } }, {}],
    ["gates that the scheduler waited for", {}, { spec: { schedulingGates: [{ name: "g" }] } }],
    ["the name of the token's volume", { spec: token("abcde") }, { spec: token("fghij") }],
    [
      "tolerations of the node's conditions",
      { spec: { tolerations: [{ key: "node.kubernetes.io/not-ready", operator: "Exists" }] } },
      {},
    ],
    [
      "defaults of a newer API server",
      {},
      {
        spec: {
          enableServiceLinks: true,
          containers: [
            {
              ...APP,
              terminationMessagePolicy: "File",
              resizePolicy: [{ resourceName: "cpu", restartPolicy: "NotRequired" }],
            },
            PROXY,
          ],
        },
      },
    ],
    [
      "the sidecar as the template had it, with the name of a volume",
      {
        metadata: {
          labels: { app: "web", "pod-template-hash": "0000000000" },
          annotations: {
            ...((pod()["metadata"] as Fields)["annotations"] as Fields),
            "proxy.istio.io/overrides": `{"containers":[{"name":"kube-api-access-abcde"}]}`,
          },
        },
      },
      {},
    ],
    [
      "the index of a Job's pod",
      {
        spec: {
          containers: [{ ...APP, env: [...APP.env, { name: "JOB_COMPLETION_INDEX" }] }, PROXY],
        },
      },
      {},
    ],
    [
      "labels of the node, and the time of a restart",
      {
        metadata: {
          labels: {
            app: "web",
            "pod-template-hash": "0000000000",
            "topology.kubernetes.io/zone": "westeurope-1",
          },
          annotations: {
            ...((pod()["metadata"] as Fields)["annotations"] as Fields),
            "kubectl.kubernetes.io/restartedAt": "2026-11-01T00:00:00Z",
          },
        },
      },
      {},
    ],
    [
      "an annotation that the network plugin wrote later",
      {
        metadata: {
          labels: { app: "web", "pod-template-hash": "0000000000" },
          annotations: {
            ...((pod()["metadata"] as Fields)["annotations"] as Fields),
            "cni.example.com/pod-ip": "10.0.0.1",
          },
          managedFields: [
            {
              manager: "kube-controller-manager",
              fieldsV1: {
                "f:metadata": { "f:annotations": { "f:istio.io/rev": {} } },
                "f:spec": { "f:restartPolicy": {} },
              },
            },
            {
              manager: "cni",
              fieldsV1: { "f:metadata": { "f:annotations": { "f:cni.example.com/pod-ip": {} } } },
            },
          ],
        },
      },
      {},
    ],
  ];
  test.each(cases)("%s", (_title, live, answer) => {
    expect(drift(pod(live), pod(answer))).toEqual([]);
  });
});

describe("the random output of another webhook is no drift", () => {
  const stamped = (stamp: string, extra: Fields = {}) =>
    pod({
      metadata: {
        labels: { app: "web", "pod-template-hash": "0000000000" },
        annotations: {
          ...((pod()["metadata"] as Fields)["annotations"] as Fields),
          "agent.example.com/id": stamp,
          [`agent.example.com/${stamp}`]: "yes",
        },
      },
      spec: {
        containers: [
          { ...APP, env: [...APP.env, { name: "AGENT_ID", value: stamp }] },
          PROXY,
          { name: `agent-${stamp}`, image: "agent:1" },
        ],
        ...extra,
      },
    });

  test("it differs between two dry runs", () => {
    expect(drift(stamped("a"), stamped("b"), { second: stamped("c") })).toEqual([]);
  });

  test("a real change next to it is still seen", () => {
    const high = { priorityClassName: "high" };
    const rest = { second: stamped("c", high) };
    expect(lines(stamped("a"), stamped("b", high), rest)).toEqual([
      "application spec.priorityClassName: null -> null",
    ]);
  });

  test("a container that the webhook now adds is a change, even if its variables are random", () => {
    const agent = (id: string) =>
      pod({
        spec: {
          containers: [
            APP,
            PROXY,
            { name: "agent", image: "a:1", env: [{ name: "ID", value: id }] },
          ],
        },
      });
    expect(lines(pod(), agent("1"), { second: agent("2") })).toEqual([
      "other-webhook spec.containers[agent]: null -> null",
    ]);
  });
});

describe("a pod compared with itself has no drift", () => {
  const text = fc.constantFrom("app", "istio-proxy", "istio-init", "a", "", "__proto__");
  const variable = fc.record(
    { name: fc.constantFrom("A", "PROXY_CONFIG", "B"), value: fc.oneof(fc.json(), fc.string()) },
    { requiredKeys: ["name"] },
  );
  const container = fc.record(
    {
      name: text,
      image: fc.string(),
      env: fc.array(variable),
      volumeMounts: fc.array(fc.record({ name: text, mountPath: text })),
      resources: fc.object(),
      ports: fc.anything(),
      restartPolicy: fc.constantFrom("Always"),
    },
    { requiredKeys: [] },
  );
  const containers = fc.oneof(fc.array(container), fc.anything());
  const metadata = fc.record(
    {
      labels: fc.oneof(fc.dictionary(fc.string(), fc.string()), fc.anything()),
      annotations: fc.dictionary(
        fc.oneof(
          fc.string(),
          fc.constantFrom("sidecar.istio.io/status", "proxy.istio.io/overrides", "istio.io/rev"),
        ),
        fc.oneof(fc.json(), fc.string()),
      ),
      managedFields: fc.anything(),
    },
    { requiredKeys: [] },
  );
  const spec = fc.record(
    { containers, initContainers: containers, volumes: fc.anything(), tolerations: fc.anything() },
    { requiredKeys: [] },
  );
  const arbitraryPod = fc
    .oneof(fc.record({ metadata, spec }, { requiredKeys: [] }), fc.object())
    .map((value) => JSON.parse(JSON.stringify(value)) as Fields);

  test("for arbitrary pods", () => {
    fc.assert(
      fc.property(arbitraryPod, arbitraryPod, (one, asked) => {
        const copy = structuredClone(one);
        expect(driftOf({ live: one, asked, answer: copy, second: one })).toEqual([]);
        expect(driftOf({ live: one, asked, answer: copy })).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  test("two arbitrary pods can be compared, and the paths are the same in both directions", () => {
    fc.assert(
      fc.property(arbitraryPod, arbitraryPod, (one, other) => {
        const paths = (live: Fields, answer: Fields) =>
          driftOf({ live, asked: {}, answer }).map(({ path }) => path);
        // The sidecar has the place of the mode that a restart gives it.
        const plain = (all: readonly string[]) =>
          [...new Set(all.map((path) => path.replace("initContainers", "containers")))].sort();
        expect(plain(paths(one, other))).toEqual(plain(paths(other, one)));
      }),
    );
  });
});
