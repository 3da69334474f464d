import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { argoRollout, daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { grantsOf, rulesOf } from "../support/rbac.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import {
  eventually,
  onlyReal,
  run,
  type Sandbox,
  test,
  untilInjected,
  untilReady,
} from "./sandbox.ts";
import { stampPods } from "./stamping-webhook.ts";

vi.setConfig({ testTimeout: 180_000 });

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "istio-upgrade-drift-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const [OLD, NEW] = [proxyImage("v1.33.1-1"), proxyImage("v1.33.2-1")];
const SECRET = "s3cr3t-value-of-a-variable";
const ISTIO = "/api/v1/namespaces/aks-istio-system/configmaps";

/** A workload of each kind, with a secret in a variable. */
async function createWorkloads(sandbox: Sandbox): Promise<void> {
  const podSpec = {
    containers: [
      {
        name: "app",
        image: "registry.test/app:1.0",
        env: [{ name: "PASSWORD", value: SECRET }],
        readinessProbe: { httpGet: { path: "/ready", port: 8080 } },
      },
    ],
  };
  await sandbox.create("deployments", deployment("web", { podSpec, replicas: 2 }));
  await sandbox.create("statefulsets", statefulSet("db", { podSpec }));
  await sandbox.create("daemonsets", daemonSet("agent", { podSpec }));
  // A pod that is created after a change has no drift.
  await eventually(async () => {
    const { status } = await sandbox.get("daemonsets", "agent");
    expect(status.desiredNumberScheduled).toBeGreaterThan(0);
    expect(await sandbox.pods()).toHaveLength(status.desiredNumberScheduled + 3);
  });
}

/** The drift of each workload, each distinct one once: `what path: from -> to`. */
async function driftIn(cluster: TestCluster, { name }: Sandbox): Promise<readonly string[]> {
  const ran = await run(cluster, "check", "--drift", "-n", name, "-o", "json");
  const { workloads, gaps } = parseReport("CheckReport", ran.stdout);
  expect(gaps).toEqual([]);
  expect(ran.stdout).not.toContain(SECRET);
  expect(workloads).toHaveLength(3);
  const all = workloads.map(({ drift }) =>
    (drift ?? ["unknown"]).map((one) =>
      typeof one === "string" ? one : `${one.what} ${one.path}: ${one.from} -> ${one.to}`,
    ),
  );
  for (const lines of all) expect(lines).toEqual(all[0]);
  return [...(all[0] ?? [])].sort();
}

async function patchConfigMap(
  cluster: TestCluster,
  name: string,
  data: Readonly<Record<string, string>>,
): Promise<void> {
  const contentType = "application/merge-patch+json";
  const { status } = await cluster.request("PATCH", `${ISTIO}/${name}`, {
    body: { data },
    contentType,
  });
  expect(status).toBe(200);
}

/** Changes the values of the injector. */
async function setValues(
  cluster: TestCluster,
  revision: string,
  // oxlint-disable-next-line typescript/no-explicit-any -- values have any shape
  change: (values: any) => void,
): Promise<void> {
  const name = `istio-sidecar-injector-${revision}`;
  const { body } = await cluster.request("GET", `${ISTIO}/${name}`);
  const values = JSON.parse(body.data.values);
  change(values);
  await patchConfigMap(cluster, name, { values: JSON.stringify(values) });
}

/** Changes the CPU request of sidecars. */
function setCpu(cluster: TestCluster, revision: string, cpu: string): Promise<void> {
  return setValues(cluster, revision, ({ global }) => {
    global.proxy.resources.requests.cpu = cpu;
  });
}

/** Adds a default for the application's CPU request to a namespace. */
async function limitCpu(cluster: TestCluster, sandbox: Sandbox, cpu: string): Promise<void> {
  const body = {
    apiVersion: "v1",
    kind: "LimitRange",
    metadata: { name: "limits" },
    spec: { limits: [{ type: "Container", defaultRequest: { cpu } }] },
  };
  const { status } = await cluster.request("POST", sandbox.path("limitranges"), { body });
  expect(status).toBe(201);
}

type Enter = (labels: Readonly<Record<string, string>>) => Promise<Sandbox>;

async function enterMesh(
  cluster: TestCluster,
  enter: Enter,
  revision: string,
  native = false,
): Promise<Sandbox> {
  await cluster.installRevision({ name: revision, image: OLD, native });
  await cluster.moveImage(revision, OLD);
  const sandbox = await enter({ "istio.io/rev": revision });
  await untilInjected(cluster, sandbox, OLD);
  return sandbox;
}

/** Returns two namespaces with an outdated workload each: `web` and `api`. */
async function outdatedIn(
  cluster: TestCluster,
  enter: Enter,
  revision: string,
): Promise<readonly [Sandbox, Sandbox]> {
  const sandbox = await enterMesh(cluster, enter, revision);
  const other = await enter({ "istio.io/rev": revision });
  await sandbox.create("deployments", deployment("web"));
  await other.create("deployments", deployment("api"));
  await untilReady(sandbox, 1);
  await untilReady(other, 1);
  await cluster.moveImage(revision, NEW);
  return [sandbox, other];
}

describe.each([
  ["ordinary", "asm-1-33", false, "containers"],
  ["native", "asm-1-34", true, "initContainers"],
] as const)("%s sidecars", (_mode, revision, native, list) => {
  test("nothing has changed: there is no drift, and a patch shows the images alone", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await enterMesh(cluster, enter, revision, native);
    await createWorkloads(sandbox);
    expect(await driftIn(cluster, sandbox)).toEqual([]);
    await cluster.moveImage(revision, NEW);
    await untilInjected(cluster, sandbox, NEW);
    expect(await driftIn(cluster, sandbox)).toEqual(
      [
        `proxy-image spec.${list}[istio-proxy].image: ${OLD} -> ${NEW}`,
        `proxy-image spec.initContainers[istio-init].image: ${OLD} -> ${NEW}`,
      ].sort(),
    );
    const table = await run(cluster, "check", "--drift", "-n", sandbox.name);
    expect(table.stdout).not.toContain("ALSO CHANGE");
  });

  test("other resources of the sidecar", async ({ cluster, enter }) => {
    const sandbox = await enterMesh(cluster, enter, revision, native);
    await createWorkloads(sandbox);
    await setCpu(cluster, revision, "250m");
    await eventually(async () =>
      expect(await driftIn(cluster, sandbox)).toEqual(
        [
          `proxy-resources spec.${list}[istio-proxy].resources.requests.cpu: 100m -> 250m`,
          `proxy-resources spec.initContainers[istio-init].resources.requests.cpu: 100m -> 250m`,
        ].sort(),
      ),
    );
    const table = await run(cluster, "check", "--drift", "-n", sandbox.name);
    expect(table.stdout).toContain("A RESTART WOULD ALSO CHANGE: 3 workloads");
    const wait = ["--wait", "1m"];
    const verified = await run(cluster, "verify", "--drift", "-n", sandbox.name, ...wait);
    expect([verified.status, verified.stdout]).toEqual([
      0,
      expect.stringContaining("A RESTART WOULD ALSO CHANGE: 3 workloads"),
    ]);
    await setCpu(cluster, revision, "100m");
    await eventually(async () => expect(await driftIn(cluster, sandbox)).toEqual([]));
  });

  test("another mesh configuration", async ({ cluster, enter, skip }) => {
    onlyReal(cluster, skip, "the embedded cluster injects no configuration");
    const sandbox = await enterMesh(cluster, enter, revision, native);
    await createWorkloads(sandbox);
    const { body } = await cluster.request("GET", `${ISTIO}/istio-${revision}`);
    const { mesh } = body.data;
    const changed = mesh.replace(
      "defaultConfig:",
      "defaultConfig:\n  drainDuration: 33s\n  proxyMetadata:\n    TOKEN: " + SECRET,
    );
    await patchConfigMap(cluster, `istio-${revision}`, { mesh: changed });
    const config = `spec.${list}[istio-proxy].env[PROXY_CONFIG]`;
    await eventually(async () =>
      expect(await driftIn(cluster, sandbox)).toEqual(
        [
          `proxy-config ${config}.drainDuration: null -> 33s`,
          `proxy-config ${config}.proxyMetadata: null -> null`,
          `proxy-config spec.${list}[istio-proxy].env[TOKEN]: null -> null`,
          "proxy-config spec.initContainers[istio-init].env[TOKEN]: null -> null",
        ].sort(),
      ),
    );
    for (const format of ["table", "wide", "markdown", "jsonl", "junit"]) {
      const ran = await run(cluster, "check", "--drift", "-n", sandbox.name, "-o", format);
      expect(ran.stdout + ran.stderr).not.toContain(SECRET);
    }
    const explained = await run(cluster, "explain", "deploy/web", "-n", sandbox.name);
    expect(explained.stdout).toContain("drainDuration");
    expect(explained.stdout).not.toContain(SECRET);
    await patchConfigMap(cluster, `istio-${revision}`, { mesh });
    await eventually(async () => expect(await driftIn(cluster, sandbox)).toEqual([]));
  });

  test("the CNI plugin instead of an init container", async ({ cluster, enter, skip }) => {
    onlyReal(cluster, skip, "the embedded cluster has no CNI plugin");
    const sandbox = await enterMesh(cluster, enter, revision, native);
    await createWorkloads(sandbox);
    const setCni = (enabled: boolean) =>
      setValues(cluster, revision, ({ pilot }) => {
        pilot.cni = { ...pilot.cni, enabled };
      });
    await setCni(true);
    await eventually(async () =>
      expect(await driftIn(cluster, sandbox)).toEqual([
        "interception metadata.annotations[sidecar.istio.io/interceptionMode]: null -> REDIRECT",
        "interception metadata.annotations[traffic.sidecar.istio.io/excludeInboundPorts]: null -> 15020",
        "interception metadata.annotations[traffic.sidecar.istio.io/includeInboundPorts]: null -> *",
        "interception metadata.annotations[traffic.sidecar.istio.io/includeOutboundIPRanges]: null -> *",
        "interception spec.initContainers[istio-init]: null -> null",
        "interception spec.initContainers[istio-validation]: null -> null",
      ]),
    );
    await setCni(false);
    await eventually(async () => expect(await driftIn(cluster, sandbox)).toEqual([]));
  });

  test("a new LimitRange changes the application", async ({ cluster, enter, skip }) => {
    onlyReal(cluster, skip, "the embedded cluster has no LimitRanges");
    const sandbox = await enterMesh(cluster, enter, revision, native);
    await createWorkloads(sandbox);
    await limitCpu(cluster, sandbox, "50m");
    await eventually(async () =>
      expect(await driftIn(cluster, sandbox)).toEqual([
        "application spec.containers[app].resources.requests.cpu: null -> null",
        "metadata metadata.annotations[kubernetes.io/limit-ranger]: null -> null",
      ]),
    );
  });
});

test("another revision with native sidecars: the mode is one change", async ({
  cluster,
  enter,
}) => {
  const sandbox = await enterMesh(cluster, enter, "asm-1-33");
  await cluster.installRevision({ name: "asm-1-34", image: OLD, native: true });
  await cluster.moveImage("asm-1-34", OLD);
  await createWorkloads(sandbox);
  await sandbox.relabel({ "istio.io/rev": "asm-1-34" });
  await eventually(async () => {
    const drift = await driftIn(cluster, sandbox);
    const istiod = (revision: string) => `istiod-${revision}.aks-istio-system.svc:15012`;
    const addresses = `${istiod("asm-1-33")} -> ${istiod("asm-1-34")}`;
    const proxy = "spec.initContainers[istio-proxy]";
    expect(drift).toEqual([
      `interception ${proxy}: ordinary -> native`,
      "metadata metadata.annotations[istio.io/rev]: asm-1-33 -> asm-1-34",
      "metadata metadata.annotations[sidecar.istio.io/status].revision: asm-1-33 -> asm-1-34",
      // The embedded cluster injects no variables.
      ...(cluster.kind === "real"
        ? [
            `proxy-config ${proxy}.env[CA_ADDR]: ${addresses}`,
            `proxy-config ${proxy}.env[PROXY_CONFIG].discoveryAddress: ${addresses}`,
          ]
        : []),
    ]);
  });
});

test("a rollout in the middle: each pod is compared with its own template", async ({
  cluster,
  enter,
}) => {
  const sandbox = await enterMesh(cluster, enter, "asm-1-33");
  await sandbox.create("deployments", deployment("web", { replicas: 2 }));
  await untilReady(sandbox, 2);
  const annotations = { "test.istio-upgrade/fail": "Unready", note: SECRET };
  const patched = await sandbox.patch("deployments", "web", {
    spec: { template: { metadata: { annotations } } },
  });
  expect(patched.status).toBe(200);
  await eventually(async () => expect(await sandbox.pods()).toHaveLength(3));
  const ran = await run(cluster, "check", "--drift", "-n", sandbox.name, "-o", "json");
  const { workloads, gaps } = parseReport("CheckReport", ran.stdout);
  expect(gaps).toEqual([]);
  expect(workloads.map(({ drift }) => drift)).toEqual([[]]);
});

test("the random output of another webhook is no drift", async ({ cluster, enter, skip }) => {
  onlyReal(cluster, skip, "the embedded cluster calls no webhook");
  const sandbox = await enterMesh(cluster, enter, "asm-1-33");
  const end = await stampPods(cluster, sandbox);
  try {
    await createWorkloads(sandbox);
    expect(await driftIn(cluster, sandbox)).toEqual([]);
    await limitCpu(cluster, sandbox, "50m");
    // The annotation of the LimitRange names the agent, too, and is as random as that name.
    await eventually(async () =>
      expect(await driftIn(cluster, sandbox)).toEqual([
        "application spec.containers[app].resources.requests.cpu: null -> null",
      ]),
    );
  } finally {
    await end();
  }
});

test("a new default PriorityClass changes the application", async ({ cluster, enter, skip }) => {
  onlyReal(cluster, skip, "the embedded cluster has no priorities");
  const sandbox = await enterMesh(cluster, enter, "asm-1-33");
  await createWorkloads(sandbox);
  const path = "/apis/scheduling.k8s.io/v1/priorityclasses";
  const body = {
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: `default-${sandbox.name}` },
    value: 1000,
    globalDefault: true,
  };
  expect((await cluster.request("POST", path, { body })).status).toBe(201);
  try {
    await eventually(async () =>
      expect(await driftIn(cluster, sandbox)).toEqual([
        "application spec.priorityClassName: null -> null",
      ]),
    );
  } finally {
    await cluster.request("DELETE", `${path}/${body.metadata.name}`);
  }
});

describe("restart", () => {
  const REVISION = "asm-1-35";

  /** A report of a restart in some namespaces. */
  async function restart(cluster: TestCluster, ...args: readonly string[]) {
    const ran = await run(cluster, "restart", ...args, "-o", "json");
    const report = parseReport("RestartReport", ran.stdout);
    const results = report.results.map(({ name, outcome, code }) => `${name} ${outcome} ${code}`);
    return { ...ran, report, results: [...results].sort() };
  }

  test("--include drifted restarts the workloads with an old configuration, and no others", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await enterMesh(cluster, enter, REVISION);
    const scope = ["-n", sandbox.name];
    await setCpu(cluster, REVISION, "100m");
    await sandbox.create("deployments", deployment("old"));
    await untilReady(sandbox, 1);
    await setCpu(cluster, REVISION, "250m");
    await eventually(async () => {
      const ran = await run(cluster, "check", ...scope, "--include", "drifted", "-o", "json");
      const { nextStep, workloads } = parseReport("CheckReport", ran.stdout);
      expect(workloads).toMatchObject([{ verdict: "current", restart: "yes" }]);
      expect(nextStep).toContain("--include drifted");
    });
    await sandbox.create("deployments", deployment("new"));
    await untilReady(sandbox, 2);
    const planned = ["restart", ...scope, "--include", "drifted", "--dry-run"];
    const table = await run(cluster, ...planned);
    expect(table.stdout).toContain("A RESTART WOULD ALSO CHANGE: 1 workload\n");
    const ticket = await run(cluster, ...planned, "-o", "markdown");
    expect(ticket.stdout).toContain("## A restart would also change: 1 workload\n");
    const { status, results, report } = await restart(
      cluster,
      ...scope,
      "--include",
      "drifted",
      "--yes",
    );
    expect([status, results]).toEqual([0, ["old restarted rolled-out"]]);
    expect(report.steps[0]?.drift).toContainEqual(
      expect.objectContaining({ what: "proxy-resources", from: "100m", to: "250m" }),
    );
    const again = await restart(cluster, ...scope, "--include", "drifted", "--yes");
    expect([again.status, again.results]).toEqual([0, []]);
  });

  test("a plan whose drift has changed is refused for that workload alone", async ({
    cluster,
    enter,
    skip,
  }) => {
    onlyReal(cluster, skip, "the embedded cluster has no LimitRanges");
    const [sandbox, other] = await outdatedIn(cluster, enter, REVISION);
    const scope = ["-n", `${sandbox.name},${other.name}`];
    const plan = await restart(cluster, ...scope, "--drift", "--dry-run");
    expect(plan.report.steps).toHaveLength(2);
    await limitCpu(cluster, other, "50m");
    const file = join(folder, "plan.json");
    writeFileSync(file, plan.stdout);
    await eventually(async () => {
      const { results } = await restart(cluster, "--plan", file, "--dry-run");
      expect(results).toEqual(["api skipped drift-changed"]);
    });
    const ran = await restart(cluster, "--plan", file, "--yes");
    expect(ran.results).toEqual(["api skipped drift-changed", "web restarted rolled-out"]);
    expect(JSON.stringify(ran.report.results)).toContain("spec.containers[app].resources");
  });

  test("--only-sidecar leaves alone what would change more", async ({ cluster, enter, skip }) => {
    onlyReal(cluster, skip, "the embedded cluster has no LimitRanges");
    const [sandbox, other] = await outdatedIn(cluster, enter, REVISION);
    await limitCpu(cluster, other, "50m");
    const scope = ["-n", `${sandbox.name},${other.name}`];
    const ran = await restart(cluster, ...scope, "--only-sidecar", "--yes");
    expect([ran.status, ran.results]).toEqual([5, ["web restarted rolled-out"]]);
    const left = ran.report.workloads.find(({ name }) => name === "api");
    expect(left).toMatchObject({ restart: "refused", restartCode: "more-than-sidecar" });
    expect(left?.restartReason).toContain("spec.containers[app].resources.requests.cpu");
  });
});

test("without the permission to create pods, there is a gap", async ({ cluster, enter }) => {
  const sandbox = await enterMesh(cluster, enter, "asm-1-33");
  await sandbox.create("deployments", deployment("web"));
  await untilReady(sandbox, 1);
  const kubeconfig = await cluster.userKubeconfig("drift-reader", rulesOf(grantsOf("read-only")));
  const args = ["check", "--drift", "-n", sandbox.name, "-o", "json"];
  const ran = await runProgram(args, { KUBECONFIG: kubeconfig });
  const { gaps, workloads } = parseReport("CheckReport", ran.stdout);
  expect(ran.status).toBe(6);
  expect(gaps).toMatchObject([{ what: "create pods", reason: "forbidden" }]);
  expect(workloads).toMatchObject([{ drift: null }]);
  const explained = await runProgram(["explain", "deploy/web", "-n", sandbox.name], {
    KUBECONFIG: kubeconfig,
  });
  expect([explained.status, explained.stdout]).toEqual([
    0,
    expect.stringContaining("drift is not shown: you may not create pods"),
  ]);
});

test("pods of every kind, with everything in their templates, have no drift from themselves", async ({
  cluster,
  enter,
  skip,
}) => {
  onlyReal(cluster, skip, "the embedded cluster fills in no defaults");
  const sandbox = await enterMesh(cluster, enter, "asm-1-33");
  await cluster.installArgoRollouts();
  const claim = {
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage: "1Gi" } },
  };
  const podSpec = {
    terminationGracePeriodSeconds: 5,
    shareProcessNamespace: true,
    hostAliases: [{ ip: "1.2.3.4", hostnames: ["a"] }],
    tolerations: [
      { key: "x", operator: "Exists" },
      { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute" },
    ],
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: "zone",
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: { app: "x" } },
      },
    ],
    affinity: {
      nodeAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [
          { weight: 1, preference: { matchExpressions: [{ key: "a", operator: "Exists" }] } },
        ],
      },
    },
    securityContext: { fsGroup: 2000 },
    initContainers: [
      { name: "setup", image: "setup:1", restartPolicy: "Always" },
      { name: "once", image: "once:1" },
    ],
    volumes: [
      { name: "scratch", ephemeral: { volumeClaimTemplate: { spec: claim } } },
      { name: "secret", secret: { secretName: "x" } },
    ],
    containers: [
      {
        name: "app",
        image: "app:1",
        env: [
          { name: "PASSWORD", value: SECRET },
          { name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        ],
        envFrom: [{ secretRef: { name: "x" } }],
        ports: [{ containerPort: 80, name: "http" }],
        volumeMounts: [{ name: "scratch", mountPath: "/scratch" }],
        readinessProbe: { httpGet: { path: "/", port: "http" } },
        resources: { requests: { cpu: "0.5" }, limits: { cpu: 1, memory: "1000Mi" } },
      },
      // Parts of the sidecar, which injection completes.
      { name: "istio-proxy", image: "auto", env: [{ name: "TOKEN", value: SECRET }] },
    ],
  };
  const annotations = {
    "prometheus.io/scrape": "true",
    "sidecar.istio.io/proxyCPU": "20m",
    "proxy.istio.io/config": `proxyMetadata: { TOKEN_OF_MESH: ${SECRET} }`,
  };
  const options = { podSpec, annotations };
  const volumeClaimTemplates = [{ metadata: { name: "data" }, spec: claim }];
  await sandbox.create("deployments", deployment("web", { ...options, replicas: 2 }));
  await sandbox.create("daemonsets", daemonSet("agent", options));
  await sandbox.create(
    "statefulsets",
    statefulSet("db", { ...options, spec: { volumeClaimTemplates } }),
  );
  await sandbox.create("rollouts", argoRollout("api", { ...options, replicas: 2 }));
  const spec = { ...podSpec, restartPolicy: "Never" };
  const job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "import" },
    spec: {
      completionMode: "Indexed",
      completions: 2,
      parallelism: 2,
      template: { metadata: { annotations }, spec },
    },
  };
  const jobs = `/apis/batch/v1/namespaces/${sandbox.name}/jobs`;
  expect((await cluster.request("POST", jobs, { body: job })).status).toBe(201);
  await eventually(async () => {
    const ran = await run(cluster, "check", "--drift", "-n", sandbox.name, "-o", "json");
    const { workloads, gaps, notes } = parseReport("CheckReport", ran.stdout);
    expect(workloads.map(({ kind, drift }) => [kind, drift])).toEqual(
      ["DaemonSet", "Deployment", "Job", "Rollout", "StatefulSet"].map((kind) => [kind, []]),
    );
    expect([gaps, notes.filter((note) => note.includes("drift"))]).toEqual([[], []]);
  });
  const setLogLevel = (level: string) =>
    setValues(cluster, "asm-1-33", ({ global }) => {
      global.proxy.logLevel = level;
    });
  await setLogLevel("debug");
  await eventually(async () => {
    const ran = await run(cluster, "check", "--drift", "-n", sandbox.name, "-o", "json");
    const { workloads } = parseReport("CheckReport", ran.stdout);
    // Without values: the templates define parts of the sidecar.
    const args = {
      path: "spec.containers[istio-proxy].args",
      what: "proxy-config",
      from: null,
      to: null,
    };
    expect(workloads.map(({ drift }) => drift)).toEqual(workloads.map(() => [args]));
    expect(ran.stdout).not.toContain(SECRET);
  });
  await setLogLevel("warning");
});
