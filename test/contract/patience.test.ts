import { describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment, statefulSet, type WorkloadOptions } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";
import { type Answer, POD_BEHAVIOUR, type TestCluster } from "../support/test-cluster.ts";
import {
  countNodes,
  endTerminating,
  eventually,
  run,
  type Sandbox,
  test,
  untilInjected,
  untilReady,
} from "./sandbox.ts";

// A pod that cannot be scheduled has 30 seconds, and the machine may be slow.
vi.setConfig({ testTimeout: 150_000 });

const REVISION = "asm-1-83";
const [OLD, NEW] = [proxyImage("v1.83.0-1"), proxyImage("v1.83.2-1")];

/** A namespace with outdated workloads of a number of pods, made by `create`, that are available. */
async function outdated(
  cluster: TestCluster,
  enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
  pods: number,
  create: (sandbox: Sandbox) => Promise<readonly Answer["body"][]>,
): Promise<Sandbox> {
  await cluster.installRevision({ name: REVISION, image: OLD });
  await cluster.moveImage(REVISION, OLD);
  const sandbox = await enter({ "istio.io/rev": REVISION });
  await untilInjected(cluster, sandbox, OLD);
  const created = await create(sandbox);
  await untilReady(sandbox, pods);
  for (const { kind, metadata, spec } of created) {
    await eventually(async () => {
      const { status } = await sandbox.get(`${kind.toLowerCase()}s`, metadata.name);
      expect(status.availableReplicas).toBe(spec.replicas);
    });
  }
  await cluster.moveImage(REVISION, NEW);
  await untilInjected(cluster, sandbox, NEW);
  return sandbox;
}

/** One pod on each node, and another one only when that has ended. */
function apart(app: string, replicas: number, rollingUpdate: object): WorkloadOptions {
  const term = { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app } } };
  const podAntiAffinity = { requiredDuringSchedulingIgnoredDuringExecution: [term] };
  const annotations = { [POD_BEHAVIOUR.drain]: "5m" };
  const spec = { strategy: { rollingUpdate } };
  return { replicas, annotations, spec, podSpec: { affinity: { podAntiAffinity } } };
}

describe("pods that must be on different nodes", () => {
  test("are waited for while old ones end, and fail if none does", async ({ cluster, enter }) => {
    const nodes = await countNodes(cluster);
    const sandbox = await outdated(cluster, enter, 2 * nodes, async (place) => {
      const draining = apart("draining", nodes, { maxSurge: 1, maxUnavailable: 1 });
      const full = apart("full", nodes, { maxSurge: 1, maxUnavailable: 0 });
      return [
        await place.create("deployments", deployment("draining", draining)),
        await place.create("deployments", deployment("full", full)),
      ];
    });
    const limits = ["--scheduling-timeout", "5s", "--max-failures", "9"];
    const args = ["restart", "-n", sandbox.name, "--yes", "--json", ...limits];
    const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
    const failed = /deploy\/full: failed/;
    await eventually(async () => expect(running.stderr()).toMatch(failed), 90_000);
    expect(running.stderr()).toMatch(
      /deploy\/draining: .*the new pod draining-\S+ cannot be scheduled: 0\/\d+ nodes .*anti-affinity/,
    );
    await eventually(async () => {
      await endTerminating(cluster, sandbox);
      const { status } = await sandbox.get("deployments", "draining");
      const { replicas, updatedReplicas, availableReplicas } = status;
      expect([replicas, updatedReplicas, availableReplicas]).toEqual([nodes, nodes, nodes]);
    });
    const { stdout, status } = await running.done;
    const { results } = parseReport("RestartReport", stdout);
    expect(results).toMatchObject([
      { name: "draining", outcome: "restarted", code: "rolled-out" },
      {
        name: "full",
        outcome: "failed",
        code: "unschedulable",
        message: expect.stringMatching(
          new RegExp(`anti-affinity rules.*; ${nodes} old pods still serve$`),
        ),
      },
    ]);
    // Without the flag it would have at least 30 seconds.
    const { startedAt, finishedAt } = results.find(({ name }) => name === "full") ?? {};
    expect(Date.parse(finishedAt ?? "") - Date.parse(startedAt ?? "")).toBeLessThan(25_000);
    expect(status).toBe(3);
  });
});

test("pods that are ready and unready in turns are no progress, and are named", async ({
  cluster,
  enter,
}) => {
  const annotations = { [POD_BEHAVIOUR.failRestarted]: "Flapping" };
  const options = { replicas: 4, annotations };
  const spec = { minReadySeconds: 5 };
  const parallel = { ...spec, podManagementPolicy: "Parallel" };
  const sandbox = await outdated(cluster, enter, 8, async (place) => [
    await place.create("deployments", deployment("web", { ...options, spec })),
    await place.create("statefulsets", statefulSet("db", { ...options, spec: parallel })),
  ]);
  const limits = ["--timeout", "10s", "--max-failures", "9"];
  const ran = await run(cluster, "restart", "-n", sandbox.name, "--yes", "--json", ...limits);
  const { results } = parseReport("RestartReport", ran.stdout);
  for (const { name, startedAt, finishedAt } of results) {
    const seconds = (Date.parse(finishedAt) - Date.parse(startedAt ?? "")) / 1000;
    expect([name, seconds < 20]).toEqual([name, true]);
  }
  const stalled = (name: string, why: string) => ({
    name,
    outcome: "timed-out",
    code: "no-progress",
    message: expect.stringMatching(`^no progress for 10s, still rolling: (?:${why}).* still serve`),
  });
  // Only the pods of a DaemonSet have a node in the embedded cluster.
  const on = cluster.kind === "real" ? " on \\S+" : "";
  const available = "new pods? (?:is|are) ready, but available only after 5s";
  expect(results).toMatchObject([
    stalled("web", `\\d ${available}|the container \\S+ of the new pod web-\\S+${on} is not ready`),
    stalled("db", `\\d ${available}|the container \\S+ of the new pod db-3${on} is not ready`),
  ]);
  expect(ran.status).toBe(4);
});

test("pods that are available only after minReadySeconds have that time beyond --timeout", async ({
  cluster,
  enter,
}) => {
  const options = { replicas: 2, spec: { minReadySeconds: 8 } };
  const sandbox = await outdated(cluster, enter, 4, async (place) => [
    await place.create("deployments", deployment("web", options)),
    await place.create("statefulsets", statefulSet("db", options)),
  ]);
  const limits = ["--timeout", "5s", "--max-failures", "9"];
  const ran = await run(cluster, "restart", "-n", sandbox.name, "--yes", "--json", ...limits);
  const { results } = parseReport("RestartReport", ran.stdout);
  expect(results).toMatchObject([
    { name: "web", outcome: "restarted", code: "rolled-out" },
    { name: "db", outcome: "restarted", code: "rolled-out" },
  ]);
  const [web, db] = results.map(
    ({ startedAt, finishedAt }) => Date.parse(finishedAt) - Date.parse(startedAt ?? ""),
  );
  // Like kubectl, which counts the available pods of a Deployment, and the ready pods of a StatefulSet.
  // The API server's times have whole seconds.
  expect(web).toBeGreaterThanOrEqual(15_000);
  expect(db).toBeLessThan(15_000);
  expect(ran.status).toBe(0);
});
