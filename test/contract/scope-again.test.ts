import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, RESTARTED_AT, run, type Sandbox, test, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const REVISION = "asm-1-91";
const OTHER = "asm-1-92";
const [OLD, NEW] = [proxyImage("v1.91.1-1"), proxyImage("v1.91.2-1")];
const SLOW = { annotations: { "test.istio-upgrade/ready-after": "4s" } };

/** Creates `first`, which is slow, and `second`, with the label `wave=one`, both outdated. */
async function createOutdated(cluster: TestCluster, sandbox: Sandbox): Promise<void> {
  for (const [name, options] of [
    ["first", SLOW],
    ["second", {}],
  ] as const) {
    await sandbox.create("deployments", deployment(name, options));
    await sandbox.patch("deployments", name, { metadata: { labels: { wave: "one" } } });
  }
  await untilReady(sandbox, 2);
  await cluster.moveImage(REVISION, NEW);
}

/** Restarts one workload after the other, and changes something while `first` rolls. */
async function restartWhile(
  cluster: TestCluster,
  sandbox: Sandbox,
  change: () => Promise<unknown>,
  ...flags: readonly string[]
) {
  const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--max-parallel", "1", ...flags];
  const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
  await eventually(async () => expect(running.stderr()).toContain("/deploy/first: restarting"));
  await change();
  const ran = await running.done;
  return { status: ran.status, report: parseReport("RestartReport", ran.stdout) };
}

async function restartTimeOf(sandbox: Sandbox, name: string): Promise<string | undefined> {
  const { spec } = await sandbox.get("deployments", name);
  return spec.template.metadata.annotations?.[RESTARTED_AT];
}

describe("a workload that leaves the scope while it waits is not restarted", () => {
  test("because its labels no longer match", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await createOutdated(cluster, sandbox);
    const relabel = () =>
      sandbox.patch("deployments", "second", { metadata: { labels: { wave: "two" } } });
    const { report, status } = await restartWhile(cluster, sandbox, relabel, "-l", "wave=one");
    expect(report.results).toMatchObject([
      { name: "first", outcome: "restarted" },
      {
        name: "second",
        outcome: "skipped",
        code: "out-of-scope",
        message: "no longer matches --selector wave=one",
      },
    ]);
    expect([status, await restartTimeOf(sandbox, "second")]).toEqual([0, undefined]);
  });

  test("because its namespace now leads to another revision than the plan showed", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    await cluster.installRevision({ name: OTHER, image: proxyImage("v1.92.1-1") });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await createOutdated(cluster, sandbox);
    const move = async () => {
      // By then the new pod of `first` has its sidecar.
      await eventually(async () => expect(await sandbox.pods()).toHaveLength(3));
      await sandbox.relabel({ "istio.io/rev": OTHER });
    };
    const { report, status } = await restartWhile(
      cluster,
      sandbox,
      move,
      "--allow-revision",
      OTHER,
    );
    expect(report.results[1]).toMatchObject({
      name: "second",
      outcome: "skipped",
      code: "revision-changed",
      message: `its target is now of the revision ${OTHER}, but the plan showed ${REVISION}`,
    });
    expect(status).toBeGreaterThan(0);
    expect(await restartTimeOf(sandbox, "second")).toBeUndefined();
  });
});

describe("--include current restarts nothing twice", () => {
  async function createCurrent(cluster: TestCluster, sandbox: Sandbox): Promise<void> {
    await cluster.installRevision({ name: REVISION, image: OLD });
    for (const name of ["a", "b"]) await sandbox.create("deployments", deployment(name, SLOW));
    await untilReady(sandbox, 2);
  }
  const generations = async (sandbox: Sandbox) =>
    Promise.all(
      ["a", "b"].map(async (name) => (await sandbox.get("deployments", name)).metadata.generation),
    );

  test("if a plan is carried out twice", async ({ cluster, enter }) => {
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await createCurrent(cluster, sandbox);
    const folder = mkdtempSync(join(tmpdir(), "istio-upgrade-twice-"));
    try {
      const file = join(folder, "plan.json");
      const all = ["-n", sandbox.name, "--include", "current", "--dry-run", "--json"];
      writeFileSync(file, (await run(cluster, "restart", ...all)).stdout);
      const first = await run(cluster, "restart", "--plan", file, "--yes", "--json");
      expect(first.status).toBe(0);
      const second = await run(cluster, "restart", "--plan", file, "--yes", "--json");
      expect(parseReport("RestartReport", second.stdout).results).toMatchObject([
        { name: "a", outcome: "skipped", code: "already-restarted" },
        { name: "b", outcome: "skipped", code: "already-restarted" },
      ]);
      expect([second.status, await generations(sandbox)]).toEqual([0, [2, 2]]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("if a run that was killed is continued with its report", async ({ cluster, enter }) => {
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await createCurrent(cluster, sandbox);
    const folder = mkdtempSync(join(tmpdir(), "istio-upgrade-killed-"));
    try {
      const file = join(folder, "report.json");
      const all = ["restart", "-n", sandbox.name, "--include", "current"];
      const limits = ["--yes", "--max-parallel=1", "--report-file", file];
      const running = startProgram([...all, ...limits], { KUBECONFIG: cluster.kubeconfig });
      await eventually(async () => expect(running.stderr()).toContain("/deploy/a: restarted"));
      running.signal("SIGKILL");
      await running.done;
      expect(await restartTimeOf(sandbox, "a")).toBeDefined();

      const planned = await run(cluster, ...all, "--dry-run", "--json");
      const { workloads } = parseReport("RestartReport", planned.stdout);
      const first = workloads.find(({ name }) => name === "a");
      expect(first?.warnings.map(({ code }) => code)).toContain("restarted-recently");

      const ran = await run(cluster, "restart", "--plan", file, "--yes", "--json");
      const { results } = parseReport("RestartReport", ran.stdout);
      expect(results).toHaveLength(2);
      expect(results).toContainEqual(
        expect.objectContaining({ name: "a", outcome: "skipped", code: "already-restarted" }),
      );
      expect([ran.status, await generations(sandbox)]).toEqual([0, [2, 2]]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("if two runs are under way", async ({ cluster, enter }) => {
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await createCurrent(cluster, sandbox);
    const all = [
      "restart",
      "-n",
      sandbox.name,
      "--include",
      "current",
      "--yes",
      "--max-parallel=1",
    ];
    const runs = await Promise.all([1, 2].map(() => run(cluster, ...all)));
    expect(runs.map(({ status }) => status)).toEqual([0, 0]);
    expect(await generations(sandbox)).toEqual([2, 2]);
  });
});

test("a Deployment that may stop all of its pods at once needs --allow-downtime", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter({ "istio.io/rev": REVISION });
  const rollingUpdate = { maxSurge: 0, maxUnavailable: "100%" };
  const spec = { strategy: { type: "RollingUpdate", rollingUpdate } };
  await sandbox.create("deployments", deployment("web", { replicas: 2, spec }));
  await untilReady(sandbox, 2);
  await cluster.moveImage(REVISION, NEW);
  const all = ["restart", "-n", sandbox.name, "--yes", "--json"];
  const ran = await run(cluster, ...all);
  expect(parseReport("RestartReport", ran.stdout)).toMatchObject({
    results: [],
    workloads: [{ name: "web", verdict: "outdated", restart: "refused" }],
  });
  expect([ran.status, await restartTimeOf(sandbox, "web")]).toEqual([5, undefined]);
  const allowed = await run(cluster, ...all, "--allow-downtime");
  expect(allowed.status).toBe(0);
});

test("a new pod of another workload with the same labels is no failure", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter({ "istio.io/rev": REVISION });
  const selector = { matchLabels: { team: "pay" } };
  const shared = { labels: { team: "pay" }, spec: { selector } };
  const crash = { "test.istio-upgrade/fail-restarted": "CrashLoopBackOff" };
  await sandbox.create("deployments", deployment("web", { ...shared, ...SLOW }));
  await sandbox.create("deployments", deployment("worker", { ...shared, annotations: crash }));
  await untilReady(sandbox, 2);
  await cluster.moveImage(REVISION, NEW);
  const ran = await run(cluster, "restart", "-n", sandbox.name, "--yes", "--json");
  const { results } = parseReport("RestartReport", ran.stdout);
  expect(results.map(({ name, outcome }) => [name, outcome])).toEqual([
    ["web", "restarted"],
    ["worker", "failed"],
  ]);
});

test("a pod that names a Deployment as its controller is not one of its pods", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter({ "istio.io/rev": REVISION });
  await sandbox.create("deployments", deployment("web"));
  await untilReady(sandbox, 1);
  const { metadata } = await sandbox.get("deployments", "web");
  const owner = { apiVersion: "apps/v1", kind: "Deployment", name: "web", uid: metadata.uid };
  await sandbox.create("pods", {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "stray",
      labels: { app: "web" },
      ownerReferences: [{ ...owner, controller: true }],
    },
    spec: { containers: [{ name: "app", image: "registry.test/app:1.0" }] },
  });
  await untilReady(sandbox, 2);
  await cluster.moveImage(REVISION, NEW);
  const ran = await run(cluster, "restart", "-n", sandbox.name, "--yes", "--json");
  expect(parseReport("RestartReport", ran.stdout)).toMatchObject({
    results: [{ name: "web", outcome: "restarted" }],
    workloads: [
      { kind: "Deployment", name: "web", verdict: "current" },
      { kind: "Pod", name: "stray", verdict: "outdated", restart: "by-hand" },
    ],
  });
  expect(ran.status).toBe(5);
});

describe("a sidecar that is lost", () => {
  const OPT_OUT = {
    spec: { template: { metadata: { labels: { "sidecar.istio.io/inject": "false" } } } },
  };
  const lost = {
    name: "second",
    outcome: "failed",
    code: "sidecar-lost",
    message: "1 pod no longer has a sidecar, 0 still with one",
  };

  /** Lets the team of `second` opt out of the mesh, and waits until that has rolled out. */
  async function optOut(sandbox: Sandbox): Promise<void> {
    expect((await sandbox.patch("deployments", "second", OPT_OUT)).status).toBe(200);
    await eventually(async () => {
      const pods = (await sandbox.pods()).filter(
        ({ metadata }) => metadata.labels.app === "second",
      );
      const containers = pods.map(({ spec }) => spec.containers.length);
      expect(containers).toEqual([1]);
    });
  }

  test("before its turn is a failure", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await createOutdated(cluster, sandbox);
    const { report, status } = await restartWhile(cluster, sandbox, () => optOut(sandbox));
    expect(report.results).toMatchObject([{ name: "first", outcome: "restarted" }, lost]);
    expect([status, report.exitReasons]).toEqual([3, ["sidecar-lost:1"]]);
  });

  test("outside the plan is a failure", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await sandbox.create("deployments", deployment("first", SLOW));
    await untilReady(sandbox, 1);
    await cluster.moveImage(REVISION, NEW);
    // It is current, so that the plan does not have it.
    await sandbox.create("deployments", deployment("second"));
    await untilReady(sandbox, 2);
    const { report, status } = await restartWhile(cluster, sandbox, () => optOut(sandbox));
    expect(report.steps.map(({ name }) => name)).toEqual(["first"]);
    expect(report.results).toMatchObject([{ name: "first", outcome: "restarted" }, lost]);
    expect(status).toBe(3);
  });

  test("before an approved plan is carried out is a failure", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await sandbox.create("deployments", deployment("second"));
    await untilReady(sandbox, 1);
    await cluster.moveImage(REVISION, NEW);
    const folder = mkdtempSync(join(tmpdir(), "istio-upgrade-lost-"));
    try {
      const file = join(folder, "plan.json");
      const dryRun = ["restart", "-n", sandbox.name, "--dry-run", "--json"];
      writeFileSync(file, (await run(cluster, ...dryRun)).stdout);
      await optOut(sandbox);
      const ran = await run(cluster, "restart", "--plan", file, "--yes", "--json");
      expect(parseReport("RestartReport", ran.stdout).results).toMatchObject([lost]);
      expect(ran.status).toBe(3);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
