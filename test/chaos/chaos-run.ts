import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openThroughProxy } from "../faults/proxied-cluster.ts";
import { type RunningProgram, startProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { sampleWorlds } from "./arbitrary.ts";
import { TIMEOUT } from "./bound.ts";
import { makeChanges } from "./changes.ts";
import { type ControlPlane, createWorld, removeWorld } from "./created-world.ts";
import { type CreatedWorkload, namespacesOf, WAVE } from "./created-workload.ts";
import type { Evidence, ObservedRestart, RunEvidence } from "./evidence.ts";
import { findingsOf } from "./findings.ts";
import { observeWorkloads, workloadsWithSidecar } from "./observed-workload.ts";
import { startRecordingProxy } from "./recording-proxy.ts";
import type { RunPlan, World } from "./world.ts";

/** A world, what was seen in it, and what that shows against the program. */
export interface WorldResult {
  readonly number: number;
  readonly evidence: Evidence;
  readonly findings: readonly string[];
}

/**
 * Runs the worlds of a seed one after the other.
 *
 * @param first the number of the first world to run.
 */
export async function* runSeed(
  cluster: TestCluster,
  controlPlane: ControlPlane,
  {
    seed,
    worlds,
    first = 0,
  }: { readonly seed: number; readonly worlds: number; readonly first?: number },
): AsyncGenerator<WorldResult> {
  for (const [index, world] of sampleWorlds(seed, first + worlds)
    .slice(first)
    .entries()) {
    const evidence = await runWorld(cluster, controlPlane, world);
    yield { number: first + index, evidence, findings: findingsOf(evidence) };
  }
}

async function runWorld(
  cluster: TestCluster,
  controlPlane: ControlPlane,
  world: World,
): Promise<Evidence> {
  const workloads = await createWorld(cluster, controlPlane, world);
  const folder = await mkdtemp(join(tmpdir(), "istio-upgrade-chaos-"));
  const stop = new AbortController();
  try {
    const changing = makeChanges(cluster, controlPlane, workloads, world.changes, stop.signal);
    const runs = await Promise.all(startAll());
    stop.abort();
    return { world, workloads, changes: await changing, runs };
  } finally {
    stop.abort();
    await removeWorld(cluster, workloads);
    await rm(folder, { recursive: true });
  }

  function startAll(): readonly Promise<RunEvidence>[] {
    const started: Promise<RunEvidence>[] = [];
    for (const [index, plan] of world.runs.entries()) {
      const before = plan.afterFirst ? Promise.all(started) : Promise.resolve();
      const file = join(folder, `report-${index}.json`);
      started.push(
        before.then(async () => {
          await sleep(plan.delay);
          return runOnce(cluster, workloads, plan, file);
        }),
      );
    }
    return started;
  }
}

async function runOnce(
  cluster: TestCluster,
  workloads: readonly CreatedWorkload[],
  plan: RunPlan,
  file: string,
): Promise<RunEvidence> {
  let injected: readonly string[] = [];
  const seen = new Map<number, Pick<ObservedRestart, "next" | "revisions">>();
  const through = await openThroughProxy(cluster, (target, ca) =>
    startRecordingProxy(target, ca, plan, {
      firstPods: async () => {
        injected = await workloadsWithSidecar(cluster, workloads);
      },
      restart: async (restart) => {
        const { namespace, name, uid, resourceVersion, number } = restart;
        const meant = workloads.filter((one) => one.namespace === namespace && one.name === name);
        const [found] = await observeWorkloads(cluster, meant);
        const isMeant = found?.uid === uid && found.resourceVersion === resourceVersion;
        seen.set(number, {
          next: isMeant ? found.next : undefined,
          revisions: found?.pods.map(({ revision }) => revision) ?? [],
        });
      },
    }),
  );
  try {
    const begun = Date.now();
    const program = startProgram(argsOf(plan, workloads, file), { KUBECONFIG: through.kubeconfig });
    const end = new AbortController();
    const hurrying = sendSignals(program, plan, end.signal);
    const { status, stdout, stderr } = await program.done;
    const ended = Date.now();
    end.abort();
    const after = await observeWorkloads(cluster, workloads);
    const restarts = through.proxy.restarts().map((restart) => ({
      ...restart,
      ...(seen.get(restart.number) ?? { next: undefined, revisions: [] }),
    }));
    return {
      plan,
      begun,
      ended,
      status,
      stdout,
      stderr,
      file: await readFile(file, "utf8").catch(() => undefined),
      hurried: await hurrying,
      restarts,
      lost: through.proxy.lost(),
      injected,
      after,
    };
  } finally {
    await through.close();
  }
}

function argsOf(
  { bySelector, maxParallel, allowDowntime, allowRevision }: RunPlan,
  workloads: readonly CreatedWorkload[],
  file: string,
): readonly string[] {
  return [
    "restart",
    "--yes",
    "--json",
    `--namespace=${namespacesOf(workloads).join(",")}`,
    `--timeout=${TIMEOUT}s`,
    `--max-parallel=${maxParallel}`,
    "--max-failures=3",
    `--report-file=${file}`,
    ...(bySelector ? [`--selector=${WAVE.join("=")}`] : []),
    ...(allowDowntime ? ["--allow-downtime"] : []),
    ...(allowRevision === undefined ? [] : [`--allow-revision=${allowRevision}`]),
  ];
}

/** Sends the signals of a plan. Returns the time of the one that asked for the report at once. */
async function sendSignals(
  program: RunningProgram,
  { signal }: RunPlan,
  end: AbortSignal,
): Promise<number | undefined> {
  if (signal === undefined) return undefined;
  const { name, at, again } = signal;
  let hurried: number | undefined;
  for (const [index, pause] of [at, ...(again === undefined ? [] : [again])].entries()) {
    await sleep(pause, undefined, { signal: end }).catch(() => undefined);
    if (end.aborted) break;
    program.signal(name);
    if (index > 0 || name !== "SIGINT") hurried ??= Date.now();
  }
  return hurried;
}
