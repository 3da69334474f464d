import { describe, expect } from "vitest";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { grantsOf, rulesOf } from "../support/rbac.ts";
import { runProgram, startProgram } from "../support/run-program.ts";
import { POD_BEHAVIOUR, type TestCluster } from "../support/test-cluster.ts";
import { eventually, RESTARTED_AT, run, type Sandbox, test, untilReady } from "./sandbox.ts";

const REVISION = "asm-1-56";
const image = (version: string) => `mcr.microsoft.com/oss/v2/istio/proxyv2:${version}`;
/** Ends all old pods before it creates a new one. */
const ALL_AT_ONCE = { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "100%" } } };

/** A namespace with the outdated `late`, and others that were just restarted and are on target. */
async function restarted(
  cluster: TestCluster,
  enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
  others: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Promise<Sandbox> {
  await cluster.installRevision({ name: REVISION, image: image("v1.56.1-1") });
  await cluster.moveImage(REVISION, image("v1.56.1-1"));
  const sandbox = await enter({ "istio.io/rev": REVISION });
  await sandbox.create("deployments", deployment("late"));
  await untilReady(sandbox, 1);
  await cluster.moveImage(REVISION, image("v1.56.2-1"));
  const names = Object.entries(others);
  for (const [name, annotations] of names) {
    await sandbox.create("deployments", deployment(name, { annotations, spec: ALL_AT_ONCE }));
  }
  await eventually(async () => expect(await sandbox.pods()).toHaveLength(1 + names.length));
  const at = `${new Date().toISOString().slice(0, 19)}Z`;
  for (const [name] of names) await sandbox.restart("deployments", name, at);
  await eventually(async () => {
    const pods = await sandbox.pods();
    const times = pods.flatMap(({ metadata }) => metadata.annotations?.[RESTARTED_AT] ?? []);
    expect([pods.length, times.length]).toEqual([1 + names.length, names.length]);
  });
  return sandbox;
}

/** The generation of each Deployment: 1 after its creation. */
async function generations(sandbox: Sandbox, ...names: string[]): Promise<readonly number[]> {
  const objects = await Promise.all(names.map((name) => sandbox.get("deployments", name)));
  return objects.map(({ metadata }) => metadata.generation);
}

const SLOW = { [POD_BEHAVIOUR.readyAfter]: "8s" };

describe("a workload that was restarted earlier", () => {
  test("is waited for alongside the restarts, and its failure does not stop them", async ({
    cluster,
    enter,
  }) => {
    const broken = { [POD_BEHAVIOUR.fail]: "CrashLoopBackOff" };
    const sandbox = await restarted(cluster, enter, { broken, slow: SLOW });
    const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--max-parallel", "1"];
    const ran = await run(cluster, ...args);
    const { results, exitReasons } = parseReport("RestartReport", ran.stdout);
    expect(ran.stderr).toContain(
      "restarting 1 workload, waiting for 2 workloads restarted earlier",
    );
    expect(
      results.map(({ name, outcome, code, startedAt }) => [
        name,
        outcome,
        code,
        startedAt !== null,
      ]),
    ).toEqual([
      ["broken", "timed-out", "unhealthy", false],
      ["slow", "waited", "rolled-out", false],
      ["late", "restarted", "rolled-out", true],
    ]);
    expect([ran.status, exitReasons]).toEqual([4, ["timed-out:1"]]);
    expect(await generations(sandbox, "broken", "slow", "late")).toEqual([2, 2, 2]);
  });

  test("is a gap if its status is forbidden, and does not stop the restarts", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await restarted(cluster, enter, { slow: SLOW });
    const grants = grantsOf("read-only").filter(
      ({ verb, resource }) => !(verb === "get" && resource === "deployments"),
    );
    const env = { KUBECONFIG: await cluster.userKubeconfig("onlooker", rulesOf(grants)) };
    const args = ["restart", "deploy/slow", "-n", sandbox.name, "--yes", "--json"];
    const ran = await runProgram(args, env);
    const { results, gaps } = parseReport("RestartReport", ran.stdout);
    expect(results).toMatchObject([{ name: "slow", outcome: "skipped", code: "not-read" }]);
    expect(gaps).toMatchObject([
      {
        namespace: sandbox.name,
        message: expect.stringContaining('cannot get resource "deployments"'),
      },
    ]);
    expect(ran.status).toBe(6);
  });

  test("is not restarted, even if the target changes meanwhile", async ({ cluster, enter }) => {
    const sandbox = await restarted(cluster, enter, { slow: SLOW });
    const args = ["restart", "deploy/slow", "-n", sandbox.name, "--yes", "--json"];
    const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
    await eventually(async () => expect(running.stderr()).toContain("rollout still in progress"));
    await cluster.moveImage(REVISION, image("v1.56.3-1"));
    const ran = await running.done;
    expect(parseReport("RestartReport", ran.stdout).results).toMatchObject([
      { name: "slow", outcome: "waited", code: "target-moved" },
    ]);
    // Its next restart needs --allow-downtime.
    expect(ran.status).toBe(5);
    expect(await generations(sandbox, "slow")).toEqual([2]);
  });

  test("is reported as still rolling if the user wants the report at once", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await restarted(cluster, enter, { one: SLOW, two: SLOW });
    const args = ["restart", "-n", sandbox.name, "--exclude", "deploy/late", "--yes", "--json"];
    const running = startProgram([...args, "--max-parallel", "1"], {
      KUBECONFIG: cluster.kubeconfig,
    });
    await eventually(async () => expect(running.stderr()).toContain("rollout still in progress"));
    running.signal("SIGTERM");
    const ran = await running.done;
    expect(parseReport("RestartReport", ran.stdout).results).toMatchObject([
      { name: "one", outcome: "still-rolling", code: "interrupted" },
      { name: "two", outcome: "still-rolling", code: "interrupted" },
    ]);
    expect(ran.status).toBe(143);
  });
});
