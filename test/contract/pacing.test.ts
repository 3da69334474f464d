import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect } from "vitest";
import { deployment, type Manifest } from "../support/manifests.ts";
import { parseLines, parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { limitPods } from "./pod-quota.ts";
import { eventually, RESTARTED_AT, run, type Sandbox, test, untilReady } from "./sandbox.ts";

const REVISION = "asm-1-62";
const image = (version: string) => `mcr.microsoft.com/oss/v2/istio/proxyv2:${version}`;

interface Options {
  readonly replicas?: number;
  readonly readyAfter?: string;
  readonly spec?: Manifest;
}

/** A namespace whose Deployments are all outdated. */
async function lagging(
  cluster: TestCluster,
  enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
  names: readonly string[],
  { replicas = 1, readyAfter = "0s", spec = {} }: Options = {},
): Promise<Sandbox> {
  await cluster.installRevision({ name: REVISION, image: image("v1.62.1-1") });
  await cluster.moveImage(REVISION, image("v1.62.1-1"));
  const sandbox = await enter({ "istio.io/rev": REVISION });
  const annotations = { "test.istio-upgrade/ready-after": readyAfter };
  for (const name of names) {
    await sandbox.create("deployments", deployment(name, { replicas, annotations, spec }));
  }
  await untilReady(sandbox, names.length * replicas);
  await cluster.moveImage(REVISION, image("v1.62.2-1"));
  return sandbox;
}

/** The seconds between the restart times in the pod templates, in the order of the names. */
async function gaps(sandbox: Sandbox, names: readonly string[]): Promise<readonly number[]> {
  const times = await Promise.all(
    names.map(async (name) => {
      const { spec } = await sandbox.get("deployments", name);
      return Date.parse(spec.template.metadata.annotations[RESTARTED_AT]);
    }),
  );
  return times.slice(1).map((time, index) => (time - (times[index] ?? 0)) / 1000);
}

describe("the pace of a restart", () => {
  test("pauses between two restarts", async ({ cluster, enter }) => {
    const names = ["a", "b", "c"];
    const sandbox = await lagging(cluster, enter, names);
    const ran = await run(cluster, "restart", "-n", sandbox.name, "--yes", "--pause", "2s");
    expect(ran.status).toBe(0);
    // Times of restarts have whole seconds.
    for (const gap of await gaps(sandbox, names)) expect(gap).toBeGreaterThanOrEqual(1);
    expect((await gaps(sandbox, names)).reduce((sum, gap) => sum + gap)).toBeGreaterThanOrEqual(4);
  });

  test("bounds the new pods in flight", async ({ cluster, enter }) => {
    const names = ["a", "b"];
    const sandbox = await lagging(cluster, enter, names, { replicas: 4, readyAfter: "2s" });
    // A quarter more and a quarter fewer: two new pods of each at a time.
    const args = ["restart", "-n", sandbox.name, "--yes", "--max-pods", "3"];
    expect((await run(cluster, ...args)).status).toBe(0);
    // Two rounds of two seconds each come before the second one starts.
    expect((await gaps(sandbox, names))[0]).toBeGreaterThanOrEqual(4);
  });

  test("starts nothing after the deadline, and reports it", async ({ cluster, enter }) => {
    const sandbox = await lagging(cluster, enter, ["a", "b"], { readyAfter: "6s" });
    const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--max-parallel", "1"];
    const ran = await run(cluster, ...args, "--deadline", "4s");
    expect(ran.stderr).toMatch(/no new restarts after \d{4}-\d\d-\d\d \d\d:\d\d \S+/);
    expect(ran.stderr).toContain("no new restarts after the deadline (--deadline): 1 not started");
    const report = parseReport("RestartReport", ran.stdout);
    expect(report.results).toMatchObject([
      { name: "a", outcome: "restarted" },
      { name: "b", outcome: "not-started", code: "deadline" },
    ]);
    expect([ran.status, report.exitReasons]).toEqual([4, ["not-started:1", "outdated:1"]]);
  });
});

describe("a quota", () => {
  test("without room for the additional pods of a restart causes a warning before the start", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await lagging(cluster, enter, ["tight"], { replicas: 4 });
    await limitPods(cluster, sandbox, 4);
    const message =
      "the quota small has no room (pods) for the pod that a restart adds temporarily";
    const planned = await run(cluster, "restart", "-n", sandbox.name, "--dry-run", "--json");
    const [entry] = parseReport("RestartReport", planned.stdout).workloads;
    expect(entry?.warnings).toContainEqual({ code: "quota", message });

    // It may lack one pod for a while, so its restart succeeds anyway.
    const ran = await run(cluster, "restart", "-n", sandbox.name, "--yes");
    expect(ran.stderr).toContain(`warning: ${message}: ${sandbox.name}/deploy/tight\n`);
    expect(ran.status).toBe(0);
  });
});

describe("the record of a restart", () => {
  test("exists after a run was killed, and the next run restarts the rest", async ({
    cluster,
    enter,
  }) => {
    const folder = mkdtempSync(join(tmpdir(), "istio-upgrade-record-"));
    try {
      const file = join(folder, "restart.json");
      const sandbox = await lagging(cluster, enter, ["a", "b", "c"], { readyAfter: "2s" });
      const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--max-parallel", "1"];
      const running = startProgram([...args, "--report-file", file], {
        KUBECONFIG: cluster.kubeconfig,
      });
      await eventually(async () => expect(running.stderr()).toContain("deploy/b: restarting"));
      running.signal("SIGKILL");
      expect(await running.done).toMatchObject({ status: null, stdout: "" });
      const record = parseReport("RestartReport", readFileSync(file, "utf8"));
      expect(record.results).toMatchObject([{ name: "a", outcome: "restarted" }]);
      expect([record.complete, record.exitCode, record.exitReasons]).toEqual([
        false,
        4,
        expect.arrayContaining(["unfinished:2"]),
      ]);
      expect(record.steps).toHaveLength(3);

      const again = await run(cluster, ...args, "--report-file", file);
      expect(again.status).toBe(0);
      const { results } = parseReport("RestartReport", again.stdout);
      // On a slow machine it is done before it is read or assessed again.
      for (const result of results.filter(({ name }) => name === "b")) {
        expect(result.outcome).toMatch(/^(waited|skipped)$/);
      }
      expect(results.filter(({ name }) => name !== "b")).toMatchObject([
        { name: "c", outcome: "restarted" },
      ]);
      // Its creation, and one restart.
      expect((await sandbox.get("deployments", "b")).metadata.generation).toBe(2);
      expect(readFileSync(file, "utf8")).toBe(again.stdout);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("includes a workload that a killed run brought on target and left rolling", async ({
    cluster,
    enter,
  }) => {
    const spec = { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "100%" } } };
    const options = { replicas: 2, readyAfter: "6s", spec };
    const sandbox = await lagging(cluster, enter, ["web"], options);
    const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--allow-downtime"];
    const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
    await eventually(async () => {
      const pods = await sandbox.pods();
      const images = pods.flatMap(({ spec: { containers } }) =>
        containers.flatMap((one: { image: string }) => one.image),
      );
      expect(images.filter((one) => one === image("v1.62.2-1"))).toHaveLength(2);
      expect(pods).toHaveLength(2);
    });
    running.signal("SIGKILL");
    await running.done;

    const planned = await run(cluster, ...args, "--dry-run");
    expect([planned.status, parseReport("RestartReport", planned.stdout).steps]).toEqual([0, []]);
    const again = await run(cluster, ...args);
    expect(parseReport("RestartReport", again.stdout).results).toMatchObject([
      { name: "web", outcome: "waited", code: "rolled-out", startedAt: null },
    ]);
    expect(again.stderr).toContain(" waiting for 1 workload restarted earlier, plan ");
    expect((await run(cluster, "verify", "-n", sandbox.name)).status).toBe(0);
    expect((await sandbox.get("deployments", "web")).metadata.generation).toBe(2);
  });

  test("is printed as events during the run, and as a report at the end", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await lagging(cluster, enter, ["web"]);
    const ran = await run(cluster, "restart", "-n", sandbox.name, "--yes", "-q", "-o", "jsonl");
    expect(ran.stderr).toMatch(/^RESULT exit=0 .*\n$/);
    const lines = parseLines(ran.stdout);
    expect(lines.at(-1)).toMatchObject({ kind: "RestartReport", exitCode: 0 });
    const events = lines.slice(0, -1).filter(({ kind }) => kind === "Event");
    expect(events).toHaveLength(lines.length - 1);
    const types = events.map((event) => ("type" in event ? event.type : ""));
    expect(types.filter((type) => type !== "rolling")).toEqual([
      "reading",
      "planned",
      // Its container has no readiness probe.
      "notice",
      "started",
      "ended",
      "reading",
    ]);
    expect(events).toContainEqual(
      expect.objectContaining({
        type: "started",
        namespace: sandbox.name,
        workloadKind: "Deployment",
        name: "web",
        message: "restarting, v1.62.1-1 -> v1.62.2-1",
      }),
    );
  });

  test("that cannot be written is an error before the first restart", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await lagging(cluster, enter, ["web"]);
    const file = join(tmpdir(), "no", "such", "folder", "report.json");
    const ran = await run(cluster, "restart", "-n", sandbox.name, "--yes", "--report-file", file);
    expect(ran).toMatchObject({ status: 64, stdout: "" });
    expect(ran.stderr).toMatch(/^error: [^\n]+\n[^\n]+\nRESULT exit=64 cluster=\S+ error=usage\n$/);
    expect(ran.stderr).toContain(
      `error: --report-file "${file}" cannot be written: ENOENT\nchoose a file in an existing folder that you may write to\n`,
    );
    const { spec } = await sandbox.get("deployments", "web");
    expect(spec.template.metadata.annotations[RESTARTED_AT]).toBeUndefined();
  });
});
