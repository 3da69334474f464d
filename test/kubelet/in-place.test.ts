import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { RestartReport } from "../../src/report/document.ts";
import { REPLACING } from "../../src/sidecar-pod.ts";
import { eventually, openSandbox, run, type Sandbox, untilReady } from "../contract/sandbox.ts";
import { deployment, job, type Manifest, pod, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";
import { type AuditedRequest, auditedWrites } from "../testbed/audit.ts";
import { connectRealCluster } from "../testbed/real-cluster.ts";
import { exits, sidecar } from "./behaviours.ts";
import { REAL_NODE } from "./node.ts";
import { gapLine, measureGaps } from "./proxy-gap.ts";
import {
  APP_PROBE,
  behave,
  clusterAddress,
  failPulls,
  onRealNode,
  untilUsable,
} from "./node-test.ts";

const PROXY = "mcr.microsoft.com/oss/v2/istio/proxyv2";

/** The revisions of this file: only the first one's next image is on the node from the beginning. */
const REVISIONS = {
  listed: { name: "asm-1-93", image: `${PROXY}:v1.93.1-1`, next: `${PROXY}:v1.93.2-1` },
  unlisted: { name: "asm-1-94", image: `${PROXY}:v1.94.1-1`, next: `${PROXY}:v1.94.2-1` },
  unpullable: { name: "asm-1-95", image: `${PROXY}:v1.95.1-1`, next: `${PROXY}:v1.95.2-1` },
} as const;

/** Each has a namespace of its own, with the sidecars of its revision. */
const NAMES = {
  swap: "listed",
  classic: "listed",
  changed: "listed",
  impatient: "listed",
  crash: "listed",
  deleted: "listed",
  killed: "listed",
  stuck: "listed",
  interrupted: "listed",
  missing: "unlisted",
  pulled: "unlisted",
  unpullable: "unpullable",
} as const;
type Name = keyof typeof NAMES;

const cluster = connectRealCluster(clusterAddress());
const sandboxes = new Map<Name, Sandbox>();

/** Milliseconds that all pods may take to start at the same time. */
const START = 240_000;

const LIMITS: Manifest = {
  apiVersion: "v1",
  kind: "LimitRange",
  metadata: { name: "limits" },
  spec: { limits: [{ type: "Container", defaultRequest: { cpu: "2m" } }] },
};

/** The workloads of a namespace, and the number of their pods. */
const WORKLOADS: Readonly<
  Record<Name, readonly (readonly [resource: string, manifest: Manifest, pods: number])[]>
> = {
  swap: [
    ["deployments", deployment("ip-web", { replicas: 2, ...onRealNode() }), 2],
    ["statefulsets", statefulSet("ip-db", { replicas: 2, ...onRealNode() }), 2],
    ["pods", pod("ip-bare", onRealNode()), 1],
    ["jobs", job("ip-import", onRealNode()), 1],
  ],
  classic: [["deployments", deployment("ip-classic", { replicas: 2, ...classic() }), 2]],
  changed: [["deployments", deployment("ip-changed", { replicas: 2, ...onRealNode() }), 2]],
  impatient: [
    [
      "deployments",
      deployment("ip-impatient", {
        replicas: 2,
        ...onRealNode({ livenessProbe: { ...APP_PROBE, periodSeconds: 2, failureThreshold: 5 } }),
      }),
      2,
    ],
  ],
  crash: [["deployments", deployment("ip-crash", { replicas: 2, ...onRealNode() }), 2]],
  deleted: [["deployments", deployment("ip-deleted", { replicas: 2, ...onRealNode() }), 2]],
  killed: [["deployments", deployment("ip-killed", { replicas: 2, ...onRealNode() }), 2]],
  stuck: [["pods", pod("ip-stuck", onRealNode()), 1]],
  interrupted: [["deployments", deployment("ip-interrupted", { replicas: 2, ...onRealNode() }), 2]],
  missing: [["deployments", deployment("ip-missing", { replicas: 2, ...onRealNode() }), 2]],
  pulled: [["deployments", deployment("ip-pulled", { replicas: 2, ...onRealNode() }), 2]],
  unpullable: [["deployments", deployment("ip-unpullable", { replicas: 2, ...onRealNode() }), 2]],
};

function classic() {
  const options = onRealNode();
  const annotations = { ...options.annotations, "sidecar.istio.io/nativeSidecar": "false" };
  return { ...options, annotations };
}

beforeAll(async () => {
  for (const { name, image } of Object.values(REVISIONS)) {
    await cluster.installRevision({ name, image, native: true });
  }
  await Promise.all(
    Object.entries(NAMES).map(async ([key, mode]) => {
      const name = key as Name;
      const labels = { "istio.io/rev": REVISIONS[mode].name };
      const sandbox = await openSandbox(cluster, labels, `in-place-${name}`);
      sandboxes.set(name, sandbox);
      await untilUsable(cluster, sandbox);
      for (const [resource, manifest] of WORKLOADS[name]) await sandbox.create(resource, manifest);
      const pods = WORKLOADS[name].reduce((sum, [, , count]) => sum + count, 0);
      await untilReady(sandbox, pods, START);
    }),
  );
  await pullToNode(REVISIONS.listed.next);
  await failPulls(REVISIONS.unpullable.next, { status: 404 });
  // New pods of these namespaces request other resources than the present ones.
  const { status } = await cluster.request("POST", sandboxOf("changed").path("limitranges"), {
    body: LIMITS,
  });
  expect(status).toBe(201);
  for (const { name, next } of Object.values(REVISIONS)) await cluster.moveImage(name, next);
});

afterAll(async () => {
  await Promise.all([...sandboxes.values()].map((sandbox) => sandbox.remove()));
  await cluster.stop();
});

/** Puts an image on the node, and waits until the node lists the images of all tests. */
async function pullToNode(image: string): Promise<void> {
  const sandbox = sandboxOf("swap");
  const options = onRealNode();
  const body = pod("ip-puller", {
    ...options,
    labels: { "sidecar.istio.io/inject": "false" },
    podSpec: { ...options.podSpec, restartPolicy: "Never", containers: [{ name: "pull", image }] },
  });
  await sandbox.create("pods", body);
  const present = Object.values(REVISIONS).map((revision) => revision.image);
  await eventually(async () => {
    const node = await cluster.request("GET", `/api/v1/nodes/${REAL_NODE}`);
    const names = node.body.status.images.flatMap((one: { names: string[] }) => one.names);
    expect(names).toEqual(expect.arrayContaining([image, ...present]));
  }, START);
  await cluster.request("DELETE", sandbox.path("pods", "ip-puller"));
  await eventually(async () => {
    expect((await sandbox.get("pods", "ip-puller")).status).not.toHaveProperty("phase");
  }, START);
}

function sandboxOf(name: Name): Sandbox {
  const sandbox = sandboxes.get(name);
  if (sandbox === undefined) throw new Error(`${name} was not created`);
  return sandbox;
}

interface Facts {
  readonly image: string;
  readonly ready: boolean;
  /** The restarts of the sidecar. */
  readonly restarts: number;
  /** The restarts and the start of the application, which must not change. */
  readonly application: string;
}

/** The pods of a namespace by name, as the API server has them. */
async function factsIn(sandbox: Sandbox): Promise<ReadonlyMap<string, Facts>> {
  const facts = (await sandbox.pods()).map(({ metadata, spec, status }): [string, Facts] => {
    const own = [...status.containerStatuses, ...status.initContainerStatuses].find(
      ({ name }: { name: string }) => name === "istio-proxy",
    );
    const all = [...spec.containers, ...spec.initContainers];
    const app = status.containerStatuses.find(({ name }: { name: string }) => name === "app");
    const { restartCount, state } = app;
    return [
      metadata.name,
      {
        image: all.find(({ name }: { name: string }) => name === "istio-proxy").image,
        restarts: own.restartCount,
        ready: status.conditions.some(
          (one: { type: string; status: string }) => one.type === "Ready" && one.status === "True",
        ),
        application: `${restartCount} restarts, since ${state.running?.startedAt}`,
      },
    ];
  });
  return new Map(facts);
}

/** The facts of pods that have got another sidecar and are otherwise the same. */
function withImage(before: ReadonlyMap<string, Facts>, image: string): ReadonlyMap<string, Facts> {
  return new Map([...before].map(([name, facts]) => [name, { ...facts, image, restarts: 1 }]));
}

/** A sidecar that was taken back has restarted several times. */
function withoutRestarts(
  all: ReadonlyMap<string, Facts>,
): ReadonlyMap<string, Omit<Facts, "restarts">> {
  return new Map(
    [...all].map(([name, { image, ready, application }]) => [name, { image, ready, application }]),
  );
}

function inPlace(name: Name, ...args: readonly string[]) {
  const { name: namespace } = sandboxOf(name);
  return ["restart", "-n", namespace, "--in-place", "--yes", "--json", ...args];
}

async function replace(
  name: Name,
  ...args: readonly string[]
): Promise<{ readonly exit: number | null; readonly report: RestartReport }> {
  const ran = await run(cluster, ...inPlace(name, ...args));
  return { exit: ran.status, report: parseReport("RestartReport", ran.stdout) };
}

const nameOfWrite = ({ verb, objectRef }: AuditedRequest) => `${verb} ${objectRef?.resource}`;

const CRASHES = `sleep 1; ${exits(7)}`;

/** Replaces a sidecar that crashes. With the old image, it does no longer. */
async function replaceUntilTakenBack(
  name: Name,
  workload: string,
  ...args: readonly string[]
): ReturnType<typeof replace> {
  const running = startProgram(inPlace(name, ...args), { KUBECONFIG: cluster.kubeconfig });
  await eventually(async () => expect(running.stderr()).toContain("taking the old sidecar"), START);
  await behave(workload, "istio-proxy", sidecar(200));
  const { status, stdout } = await running.done;
  return { exit: status, report: parseReport("RestartReport", stdout) };
}

const outcomes = ({ results }: RestartReport) =>
  results.map(({ kind, outcome, code }) => [kind, outcome, code]);

const refusals = ({ workloads }: RestartReport) =>
  workloads.map(({ restart, restartCode }) => [restart, restartCode]);

/** True if no pod has the record of a replacement that has not ended. */
async function expectNoMarks(sandbox: Sandbox): Promise<void> {
  const annotations = (await sandbox.pods()).map(({ metadata }) => metadata.annotations ?? {});
  expect(annotations.filter((one) => REPLACING in one)).toEqual([]);
}

describe.concurrent("in place, on a real node", () => {
  test("a Deployment, a StatefulSet, a bare pod and a Job get new sidecars, and no application restarts", async () => {
    const sandbox = sandboxOf("swap");
    const before = await factsIn(sandbox);
    const refused = await replace("swap", "--dry-run=server");
    expect(refused.exit).toBe(0);
    expect(refusals(refused.report).toSorted()).toEqual([
      ["refused", "in-place-single-pod"],
      ["refused", "in-place-single-pod"],
      ["yes", ""],
      ["yes", ""],
    ]);
    const waves = ["--waves", "1", "--soak", "2s"];
    const meter = await measureGaps(sandbox);
    const { exit, report } = await replace("swap", "--allow-downtime", ...waves);
    for (const [name, gap] of await meter.stop()) {
      process.stdout.write(`${gapLine(name, gap / 1000)}\n`);
      // Otherwise the measurement asks something else than the sidecar.
      expect(gap).toBeGreaterThan(0);
    }
    expect(outcomes(report).toSorted()).toEqual(
      ["Deployment", "Job", "Pod", "StatefulSet"].map((kind) => [
        kind,
        "replaced",
        "replaced-in-place",
      ]),
    );
    expect(exit).toBe(0);
    const pods = report.results.flatMap((result) => result.pods ?? []);
    expect(pods).toHaveLength(6);
    for (const { outcome, before: old, after, application, applicationRestarted } of pods) {
      expect([outcome, applicationRestarted]).toEqual(["replaced", false]);
      expect(after?.containerId).not.toBe(old.containerId);
      expect(after?.imageId).not.toBe(old.imageId);
      expect([old.image, after?.image]).toEqual([REVISIONS.listed.image, REVISIONS.listed.next]);
      expect(application).toMatchObject([{ container: "app", after: { restartCount: 0 } }]);
    }
    expect(await factsIn(sandbox)).toEqual(withImage(before, REVISIONS.listed.next));
    await expectNoMarks(sandbox);
    // One patch changes a pod, and one removes its record.
    const writes = await auditedWrites(cluster, sandbox.name);
    expect([...new Set(writes.map(nameOfWrite))]).toEqual(["patch pods"]);
    const accepted = writes.filter(({ responseStatus }) => responseStatus?.code === 200);
    expect(accepted).toHaveLength(2 * pods.length);
    expect((await sandbox.get("deployments", "ip-web")).metadata.generation).toBe(1);
    expect(await run(cluster, "verify", "-n", sandbox.name)).toMatchObject({ status: 0 });
    const again = await replace("swap", "--allow-downtime");
    expect([again.exit, again.report.results]).toEqual([0, []]);
  });

  test.for([
    ["classic", "in-place-ordinary-container"],
    ["changed", "in-place-more-than-image"],
    ["impatient", "in-place-liveness"],
    ["missing", "in-place-image-unknown"],
  ] as const)("nothing is changed that does not qualify: %s", async ([name, code]) => {
    const sandbox = sandboxOf(name);
    const before = await factsIn(sandbox);
    const { exit, report } = await replace(name);
    expect([exit, report.results, refusals(report)]).toEqual([5, [], [["refused", code]]]);
    expect(await factsIn(sandbox)).toEqual(before);
  });

  test("a missing image is pulled first, and the pod that pulls it is deleted", async () => {
    const sandbox = sandboxOf("pulled");
    const before = await factsIn(sandbox);
    const { exit, report } = await replace("pulled", "--pull");
    expect([exit, outcomes(report)]).toEqual([
      0,
      [["Deployment", "replaced", "replaced-in-place"]],
    ]);
    expect(await factsIn(sandbox)).toEqual(withImage(before, REVISIONS.unlisted.next));
    // Another test pulls at the same time.
    await eventually(async () => {
      const { body } = await cluster.request("GET", "/api/v1/namespaces/default/pods");
      expect(body.items).toEqual([]);
    });
    const writes = await auditedWrites(cluster, "default");
    expect([...new Set(writes.map(nameOfWrite))].toSorted()).toEqual([
      "create pods",
      "delete pods",
    ]);
  });

  test("a node that cannot pull is left alone", async () => {
    const sandbox = sandboxOf("unpullable");
    const before = await factsIn(sandbox);
    const { exit, report } = await replace("unpullable", "--pull");
    expect([exit, outcomes(report)]).toEqual([5, [["Deployment", "skipped", "image-not-pulled"]]]);
    expect(report.results[0]?.message).toMatch(/real-kubelet cannot pull .*v1\.95\.2-1.*not found/);
    expect(await factsIn(sandbox)).toEqual(before);
  });

  test("a sidecar that crashes is taken back, and the next pod is left alone", async () => {
    const sandbox = sandboxOf("crash");
    const before = await factsIn(sandbox);
    await behave("ip-crash", "istio-proxy", CRASHES);
    const { exit, report } = await replaceUntilTakenBack("crash", "ip-crash");
    expect([exit, outcomes(report)]).toEqual([3, [["Deployment", "failed", "taken-back"]]]);
    const [result] = report.results;
    expect(result?.message).toMatch(
      /exit code 7.*; taken back to .*v1\.93\.1-1, which is ready again$/,
    );
    expect(result?.pods).toMatchObject([{ outcome: "taken-back", applicationRestarted: false }]);
    expect(withoutRestarts(await factsIn(sandbox))).toEqual(withoutRestarts(before));
    await expectNoMarks(sandbox);
  });

  test("a pod that is deleted in the middle has a successor, which is waited for", async () => {
    const sandbox = sandboxOf("deleted");
    await behave("ip-deleted", "istio-proxy", `sleep 8; ${sidecar(200)}`);
    const running = startProgram(inPlace("deleted"), { KUBECONFIG: cluster.kubeconfig });
    const name = await patchedPod(sandbox);
    await cluster.request("DELETE", sandbox.path("pods", name));
    const ran = await running.done;
    const report = parseReport("RestartReport", ran.stdout);
    expect([ran.status, outcomes(report)]).toEqual([
      0,
      [["Deployment", "replaced", "replaced-in-place"]],
    ]);
    expect(report.results[0]?.pods).toMatchObject([
      { name, outcome: "gone" },
      { outcome: "replaced" },
    ]);
    const facts = [...(await factsIn(sandbox)).values()];
    expect(facts.map(({ image, ready }) => [image, ready])).toEqual(
      Array.from({ length: 2 }, () => [REVISIONS.listed.next, true]),
    );
  });

  test("a run that is killed in the middle is continued by the next one", async () => {
    const sandbox = sandboxOf("killed");
    const before = await factsIn(sandbox);
    await behave("ip-killed", "istio-proxy", `sleep 5; ${sidecar(200)}`);
    const running = startProgram(inPlace("killed"), { KUBECONFIG: cluster.kubeconfig });
    await patchedPod(sandbox);
    running.signal("SIGKILL");
    expect((await running.done).status).toBe(null);
    const { exit, report } = await replace("killed");
    expect([exit, outcomes(report)]).toEqual([
      0,
      [["Deployment", "replaced", "replaced-in-place"]],
    ]);
    expect(report.results[0]?.pods).toHaveLength(2);
    expect(await factsIn(sandbox)).toEqual(withImage(before, REVISIONS.listed.next));
    await expectNoMarks(sandbox);
  });

  test("a sidecar that a killed run left crashing is taken back by the next one", async () => {
    const sandbox = sandboxOf("stuck");
    const before = await factsIn(sandbox);
    await behave("ip-stuck", "istio-proxy", CRASHES);
    const args = inPlace("stuck", "--allow-downtime");
    const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
    await patchedPod(sandbox);
    running.signal("SIGKILL");
    await running.done;
    await eventually(async () => {
      const [found] = await sandbox.pods();
      expect(JSON.stringify(found.status.initContainerStatuses)).toContain('"exitCode":7');
    }, START);
    const { exit, report } = await replaceUntilTakenBack("stuck", "ip-stuck", "--allow-downtime");
    expect([exit, outcomes(report)]).toEqual([3, [["Pod", "failed", "taken-back"]]]);
    expect(withoutRestarts(await factsIn(sandbox))).toEqual(withoutRestarts(before));
    await expectNoMarks(sandbox);
  });

  test("after an interrupt, the pod in progress is finished and no other one begins", async () => {
    const sandbox = sandboxOf("interrupted");
    await behave("ip-interrupted", "istio-proxy", `sleep 4; ${sidecar(200)}`);
    const running = startProgram(inPlace("interrupted"), { KUBECONFIG: cluster.kubeconfig });
    await patchedPod(sandbox);
    running.signal("SIGINT");
    const ran = await running.done;
    const report = parseReport("RestartReport", ran.stdout);
    expect([ran.status, outcomes(report)]).toEqual([
      130,
      [["Deployment", "not-started", "interrupted"]],
    ]);
    const [result] = report.results;
    expect(result?.message).toBe("1 of 2 sidecars replaced; the run was interrupted");
    expect(result?.pods).toMatchObject([{ outcome: "replaced", applicationRestarted: false }]);
    const images = [...(await factsIn(sandbox)).values()].map(({ image, ready }) => [image, ready]);
    expect(images.toSorted()).toEqual([
      [REVISIONS.listed.image, true],
      [REVISIONS.listed.next, true],
    ]);
    const { exit } = await replace("interrupted");
    expect(exit).toBe(0);
  });
});

/** Resolves with the name of a pod as soon as its sidecar is being replaced. */
async function patchedPod(sandbox: Sandbox): Promise<string> {
  let name = "";
  await eventually(async () => {
    const found = (await sandbox.pods()).find(
      ({ metadata }) => metadata.annotations?.[REPLACING] !== undefined,
    );
    expect(found).toBeDefined();
    name = found?.metadata.name;
  }, START);
  return name;
}
