import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { type EmbeddedCluster, startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { type Member, writeFleetKubeconfig } from "../support/fleet-kubeconfig.ts";
import { deployment, namespace } from "../support/manifests.ts";
import { startRelay } from "../support/relay.ts";
import { parseLines, parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import { eventually, type Sandbox, test, untilReady } from "./sandbox.ts";

/** Only this file uses this revision. */
const OLD = { name: "asm-1-71", image: proxyImage("v1.71.5-2") };
const NEW = proxyImage("v1.71.6-1");

/** Another control plane, in this process. */
let other: EmbeddedCluster;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fleet-"));
  other = await startEmbeddedCluster();
  await other.installRevision(OLD);
  await createCurrent("shop");
});
afterAll(async () => {
  await other.stop();
  rmSync(folder, { recursive: true });
});

/** Creates a namespace with a workload in the other control plane. */
async function createCurrent(name: string): Promise<void> {
  const body = namespace(name, { "istio.io/rev": OLD.name });
  await other.request("POST", "/api/v1/namespaces", { body });
  await other.request("POST", `/apis/apps/v1/namespaces/${name}/deployments`, {
    body: deployment("api"),
  });
}

let files = 0;

/** Runs the program with a kubeconfig of these contexts. */
async function runFleet(members: Readonly<Record<string, Member>>, ...args: readonly string[]) {
  const file = join(folder, `${(files += 1)}.kubeconfig`);
  await writeFleetKubeconfig(file, members);
  return runProgram(args, { KUBECONFIG: file });
}

const dead = (kubeconfig: string) => ({ kubeconfig, server: "https://127.0.0.1:1" });
const denied = (kubeconfig: string) => ({ kubeconfig, user: { token: "nobody" } });

/** Creates a workload that is outdated by the time this resolves. */
async function outdated(sandbox: Sandbox, move: () => Promise<void>): Promise<void> {
  await sandbox.create("deployments", deployment("web", { replicas: 2 }));
  await untilReady(sandbox, 2);
  await move();
}

describe("a fleet", () => {
  test("has every cluster: one outdated, one current, one slow, one dead, one that answers 401", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision(OLD);
    const sandbox = await enter({ "istio.io/rev": OLD.name });
    await outdated(sandbox, () => cluster.moveImage(OLD.name, NEW));
    // Other namespaces may still have what other tests have left.
    const name = sandbox.name;
    await createCurrent(name);
    const relay = await startRelay(cluster.kubeconfig);
    relay.slow(100);
    const { kubeconfig } = cluster;
    const members = {
      "prod-1": { kubeconfig },
      "prod-2": { kubeconfig: other.kubeconfig },
      "prod-dead": dead(kubeconfig),
      "prod-denied": denied(other.kubeconfig),
      "prod-slow": { kubeconfig: relay.kubeconfig },
      "test-1": { kubeconfig },
    };
    const ran = await runFleet(members, "check", "--context", "prod-*", "-n", name, "--json");
    const report = parseReport("FleetReport", ran.stdout);
    expect([ran.status, report.exitCode, report.complete]).toEqual([2, 2, false]);
    expect(report.clusters.map((one) => [one.cluster.context, one.kind, one.exitCode])).toEqual([
      ["prod-1", "CheckReport", 2],
      ["prod-2", "CheckReport", 0],
      ["prod-dead", "Error", 1],
      ["prod-denied", "Error", 1],
      ["prod-slow", "CheckReport", 2],
    ]);
    expect(report.clusters).toMatchObject([
      { workloads: [{ namespace: name, name: "web", verdict: "outdated" }] },
      { workloads: [{ namespace: name, name: "api", verdict: "current" }] },
      { code: "unreachable" },
      { code: "unauthorized" },
      { workloads: [{ namespace: name, name: "web", verdict: "outdated" }] },
    ]);
    expect(report.summary).toMatchObject({
      clusters: 5,
      unreachable: 2,
      sidecars: { workloads: 3, pods: 5, byVerdict: { outdated: 2, current: 1 } },
    });
    expect(report.exitReasons).toEqual(["outdated:2", "unreachable:2"]);
    expect(ran.stderr).toMatch(
      /^RESULT exit=2 clusters=5 unreachable=2 outdated=2 .*gaps=0 .*\n$/m,
    );
    // Every next step leads to its own cluster.
    for (const one of report.clusters) {
      const step = one.kind === "Error" ? one.hint : "nextStep" in one ? one.nextStep : "";
      if (step !== "") expect(step).toContain(`--context ${one.cluster.context}`);
    }
    await relay.stop();
  });

  test("has the report that the command prints about each cluster by itself", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision(OLD);
    await outdated(await enter({ "istio.io/rev": OLD.name }), async () => undefined);
    const members = {
      one: { kubeconfig: cluster.kubeconfig },
      two: { kubeconfig: other.kubeconfig },
    };
    const withoutTimes = (document: object) =>
      JSON.stringify(document, (key, value: unknown) =>
        ["generatedAt", "outdatedFor", "oldest"].includes(key) ? undefined : value,
      );
    for (const command of ["check", "verify", "status", "revisions"]) {
      // The namespace of the other test may still be terminating.
      await eventually(async () => {
        const ran = await runFleet(members, command, "--all-contexts", "--json");
        const fleet = parseReport("FleetReport", ran.stdout);
        expect(fleet.command).toBe(command);
        for (const part of fleet.clusters) {
          const context = part.cluster.context ?? "";
          const alone = await runFleet(members, command, "--context", context, "--json");
          expect(withoutTimes(part)).toBe(withoutTimes(JSON.parse(alone.stdout) as object));
        }
      }, 60_000);
    }
  });

  test("exits by the usual order, and 1 only if no cluster could be read", async ({ cluster }) => {
    await cluster.installRevision(OLD);
    const current = { kubeconfig: other.kubeconfig };
    const lost = { lost: dead(other.kubeconfig), denied: denied(other.kubeconfig) };
    const statusOf = async (members: Readonly<Record<string, Member>>, ...args: string[]) =>
      (await runFleet(members, "check", "--all-contexts", ...args)).status;
    expect(await statusOf({ current })).toBe(0);
    expect(await statusOf({ current, ...lost })).toBe(6);
    expect(await statusOf(lost)).toBe(1);
    expect(await statusOf({ current, ...lost }, "--exit-zero")).toBe(0);
    expect(await statusOf(lost, "--exit-zero")).toBe(1);
  });

  test("prints every event with its cluster in jsonl, and the report last", async () => {
    const members = { one: { kubeconfig: other.kubeconfig }, two: dead(other.kubeconfig) };
    const ran = await runFleet(members, "check", "--all-contexts", "--output", "jsonl");
    const lines = parseLines(ran.stdout);
    const finished = lines.filter((line) => line.kind === "Event" && line.type === "cluster-read");
    expect(finished.map((line) => ("cluster" in line ? line.cluster : "")).sort()).toEqual([
      "one",
      "two",
    ]);
    expect(lines.at(-1)?.kind).toBe("FleetReport");
    expect(lines.filter(({ kind }) => kind === "FleetReport")).toHaveLength(1);
  });

  test("counts a cluster once that two contexts name, and says so", async () => {
    const { kubeconfig } = other;
    const members = { one: { kubeconfig }, two: { kubeconfig, userName: "one" } };
    const ran = await runFleet(members, "check", "--context", "two,one", "--json");
    const report = parseReport("FleetReport", ran.stdout);
    expect(report.clusters.map(({ cluster }) => cluster.context)).toEqual(["two"]);
    expect(report.notes).toEqual([
      'the context "one" is left out: it is the same cluster and user as "two"',
    ]);
  });

  test("lists a cluster in which a namespace of the scope does not exist", async () => {
    const members = { one: { kubeconfig: other.kubeconfig } };
    const ran = await runFleet(members, "check", "--all-contexts", "-n", "nowhere", "--json");
    const report = parseReport("FleetReport", ran.stdout);
    expect(report.clusters).toMatchObject([{ kind: "Error", code: "not-found" }]);
  });

  test("two reports of unchanged clusters are equal, except for their times", async () => {
    const members = { a: { kubeconfig: other.kubeconfig }, b: dead(other.kubeconfig) };
    const run = async () => {
      const ran = await runFleet(members, "check", "--all-contexts", "--json");
      return ran.stdout.replaceAll(/"generatedAt": ".*"/g, "");
    };
    await eventually(async () => expect(await run()).toBe(await run()));
  });
});
