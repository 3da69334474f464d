import { describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { argoRollout, daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { POD_BEHAVIOUR, type TestCluster } from "../support/test-cluster.ts";
import { startProgram } from "../support/run-program.ts";
import { limitPods } from "./pod-quota.ts";
import {
  countNodes,
  endTerminating,
  eventually,
  RESTARTED_AT,
  run,
  type Sandbox,
  test,
  untilInjected,
  untilReady,
} from "./sandbox.ts";

// A hindrance has 30 seconds, and the machine may be slow.
vi.setConfig({ testTimeout: 150_000 });

const REVISION = "asm-1-81";
const [OLD, NEW] = [proxyImage("v1.81.0-1"), proxyImage("v1.81.2-1")];
const AT = "2026-01-02T03:04:05Z";
/** Replaces one pod after the other, without an additional one. */
const ONE_BY_ONE = { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } };

type Enter = (labels: Readonly<Record<string, string>>) => Promise<Sandbox>;

async function outdated(cluster: TestCluster, enter: Enter): Promise<Sandbox> {
  await cluster.installRevision({ name: REVISION, image: OLD });
  await cluster.moveImage(REVISION, OLD);
  return enter({ "istio.io/rev": REVISION });
}

async function labelNode(cluster: TestCluster, value: string | null): Promise<void> {
  const { body } = await cluster.request("GET", "/api/v1/nodes");
  const path = `/api/v1/nodes/${body.items[0].metadata.name}`;
  const labels = { "test.istio-upgrade/stuck": value };
  const contentType = "application/merge-patch+json";
  const sent = { body: { metadata: { labels } }, contentType };
  expect((await cluster.request("PATCH", path, sent)).status).toBe(200);
}

const generationOf = async (sandbox: Sandbox, resource: string, name: string) =>
  (await sandbox.get(resource, name)).metadata.generation;

async function conditionsOf(sandbox: Sandbox, name: string): Promise<string> {
  return JSON.stringify((await sandbox.get("deployments", name)).status.conditions ?? []);
}

/** A namespace with `web`, whose pods are terminating for a while, and a quota that they use up. */
async function draining(cluster: TestCluster, enter: Enter, drain: string): Promise<Sandbox> {
  const sandbox = await outdated(cluster, enter);
  const annotations = { [POD_BEHAVIOUR.drain]: drain };
  const options = { replicas: 2, annotations, spec: ONE_BY_ONE };
  await sandbox.create("deployments", deployment("web", options));
  await untilReady(sandbox, 2);
  await cluster.moveImage(REVISION, NEW);
  await untilInjected(cluster, sandbox, NEW);
  await limitPods(cluster, sandbox, 2);
  return sandbox;
}

/** Lets every terminating pod end, until all pods are those of the restart. */
async function untilDrained(
  cluster: TestCluster,
  sandbox: Sandbox,
  replicas: number,
): Promise<void> {
  await eventually(async () => {
    const pods = await endTerminating(cluster, sandbox);
    const times = pods.map(({ metadata }) => metadata.annotations[RESTARTED_AT]);
    expect(times).toEqual(Array.from({ length: replicas }, () => AT));
  });
}

describe("a rollout that was in progress before the run, and is stuck", () => {
  test("is named by check, and ends a restart as soon as it would have failed", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await outdated(cluster, enter);
    await labelNode(cluster, sandbox.name);
    const nodeSelector = { "test.istio-upgrade/stuck": sandbox.name };
    const failing = { [POD_BEHAVIOUR.failRestarted]: "CrashLoopBackOff" };
    const podSpec = { nodeSelector };
    await sandbox.create("deployments", deployment("trainer", { replicas: 2, podSpec }));
    await sandbox.create("deployments", deployment("web", { replicas: 2, annotations: failing }));
    await sandbox.create("statefulsets", statefulSet("db", { replicas: 2, annotations: failing }));
    await untilReady(sandbox, 6);
    await labelNode(cluster, null);
    await cluster.moveImage(REVISION, NEW);
    await untilInjected(cluster, sandbox, NEW);
    const names = [
      ["deployments", "trainer"],
      ["deployments", "web"],
      ["statefulsets", "db"],
    ] as const;
    for (const [resource, name] of names) await sandbox.restart(resource, name, AT);
    const check = async (...args: readonly string[]) => {
      const ran = await run(cluster, "check", "-n", sandbox.name, "--json", ...args);
      const { workloads } = parseReport("CheckReport", ran.stdout);
      return { status: ran.status, workloads };
    };
    const podIn = (name: string) => `stuck in a rollout: its pod ${name}`;
    const words = [
      [
        "trainer",
        expect.stringMatching(`^${podIn("trainer-\\S+")} cannot be scheduled: 0/\\d+ nodes`),
      ],
      ["web", expect.stringMatching(`^${podIn("web-\\S+")} is in CrashLoopBackOff: .*back-off`)],
      ["db", expect.stringMatching(`^${podIn("db-1")} is in CrashLoopBackOff: .*back-off`)],
    ];
    await eventually(async () => {
      for (const args of [[], ["--include", "unhealthy"]]) {
        const { status, workloads } = await check(...args);
        expect(
          workloads.map(({ name, restart, restartReason }) => [name, restart, restartReason]),
        ).toEqual(words.map(([name, reason]) => [name, "refused", reason]));
        expect(status).toBe(5);
      }
    });
    const text = await run(cluster, "check", "-n", sandbox.name);
    expect(text.stdout).not.toContain("NEXT");
    expect(text.stdout).toContain("kubectl delete pod db-1");

    const generations = async () =>
      Promise.all(names.map(([resource, name]) => generationOf(sandbox, resource, name)));
    const before = await generations();
    const started = Date.now();
    const ran = await run(
      cluster,
      "restart",
      "-n",
      sandbox.name,
      "--yes",
      "--json",
      "--allow-downtime",
      "--include=unhealthy",
    );
    expect(Date.now() - started).toBeLessThan(60_000);
    const { results } = parseReport("RestartReport", ran.stdout);
    const stuck = (name: string, message: string, nextStep: string) => ({
      name,
      outcome: "skipped",
      code: "stuck-rollout",
      message: expect.stringMatching(
        `^stuck in a rollout that was already running: the new pod ${message}`,
      ),
      nextStep: expect.stringMatching(nextStep),
    });
    expect(results).toMatchObject([
      stuck("trainer", "trainer-\\S+ cannot be scheduled: 0/\\d", "^kubectl describe pod trainer-"),
      stuck("web", "web-\\S+ is in CrashLoopBackOff: ", "^kubectl describe pod web-"),
      stuck("db", "db-1 is in CrashLoopBackOff: ", "kubectl delete pod db-1 -n"),
    ]);
    expect(ran.status).toBe(5);
    expect(await generations()).toEqual(before);
  });
});

describe("a rollout that waits for its old pods to end", () => {
  test("is waited for although a quota has no room, even with --include unhealthy", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await draining(cluster, enter, "2m");
    await sandbox.restart("deployments", "web", AT);
    await eventually(async () =>
      expect(await conditionsOf(sandbox, "web")).toContain("exceeded quota"),
    );
    const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--include", "unhealthy"];
    const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
    await eventually(async () =>
      expect(running.stderr()).toMatch(
        /web: waiting, already rolling: new pods cannot be created: .*quota/,
      ),
    );
    await untilDrained(cluster, sandbox, 2);
    const ran = await running.done;
    expect(parseReport("RestartReport", ran.stdout).results).toMatchObject([
      { name: "web", outcome: "waited", code: "on-target", startedAt: null },
    ]);
    expect(ran.status).toBe(0);
    expect(await generationOf(sandbox, "deployments", "web")).toBe(2);
  });

  test("is followed by the run that restarted it", async ({ cluster, enter }) => {
    const sandbox = await draining(cluster, enter, "4s");
    const ran = await run(cluster, "restart", "-n", sandbox.name, "--yes", "--json");
    expect(parseReport("RestartReport", ran.stdout).results).toMatchObject([
      { name: "web", outcome: "restarted", code: "rolled-out" },
    ]);
    expect(ran.status).toBe(0);
  });
});

test("an unready pod that nothing replaces is named, and --include unhealthy restarts or explains", async ({
  cluster,
  enter,
}) => {
  await cluster.installArgoRollouts();
  const sandbox = await outdated(cluster, enter);
  const annotations = { [POD_BEHAVIOUR.readyAfter]: "10m" };
  const parallel = { podManagementPolicy: "Parallel" };
  await sandbox.create("deployments", deployment("web", { annotations }));
  await sandbox.create("daemonsets", daemonSet("agent", { annotations }));
  await sandbox.create("statefulsets", statefulSet("db", { annotations }));
  await sandbox.create(
    "statefulsets",
    statefulSet("par", { annotations, replicas: 2, spec: parallel }),
  );
  await sandbox.create("rollouts", argoRollout("ro", { annotations, replicas: 2 }));
  // The controller creates the second pod of `first` only once the first one is ready.
  await sandbox.create("statefulsets", statefulSet("first", { annotations, replicas: 3 }));
  const nodes = await countNodes(cluster);
  await eventually(async () =>
    expect(await sandbox.pods()).toHaveLength(1 + nodes + 1 + 2 + 2 + 1),
  );
  await cluster.moveImage(REVISION, NEW);
  const flags = ["--json", "--prove=never", "--allow-downtime"];
  const checked = await run(cluster, "check", "-n", sandbox.name, ...flags);
  const { workloads } = parseReport("CheckReport", checked.stdout);
  for (const { name, warnings } of workloads) {
    expect([name, JSON.stringify(warnings)]).toEqual([
      name,
      expect.stringMatching(`its pod ${name}-\\S+ is not ready`),
    ]);
  }
  await new Promise((resolve) => setTimeout(resolve, 4000));

  const restart = async (...args: readonly string[]) => {
    const fixed = ["--yes", "--json", "--allow-downtime", "--timeout", "3s", "--max-failures", "9"];
    const ran = await run(cluster, "restart", "-n", sandbox.name, ...fixed, ...args);
    const report = parseReport("RestartReport", ran.stdout);
    return { ...report, status: ran.status };
  };
  const without = await restart();
  expect(without.results).toEqual([]);
  expect(without.status).toBe(5);
  expect(without.workloads.map(({ name, restartCode }) => [name, restartCode])).toEqual(
    ["agent", "web", "ro", "db", "first", "par"].map((name) => [name, "unhealthy-before"]),
  );
  const web = without.workloads.find(({ name }) => name === "web");
  expect(web?.restartReason).toMatch(/^its pod web-\S+ has not been ready since 20\S+Z$/);

  const withConsent = await restart("--include", "unhealthy");
  expect(withConsent.results.map(({ name, outcome }) => [name, outcome]).toSorted()).toEqual([
    ["agent", "timed-out"],
    ["par", "timed-out"],
    ["web", "timed-out"],
  ]);
  for (const [name, podName] of [
    ["db", "db-\\d"],
    ["first", "first-0"],
    ["ro", "ro-\\S+"],
  ] as const) {
    const found = withConsent.workloads.find((one) => one.name === name);
    const since = new RegExp(`^its pod ${podName} has not been ready since .* until it is ready$`);
    expect(found?.restartReason).toMatch(since);
    expect(found?.nextStep).toMatch(new RegExp(`kubectl delete pod ${podName} -n ${sandbox.name}`));
  }
});
