import type { Evidence, RunEvidence } from "./evidence.ts";
import { MOST_REPLICAS } from "./changes.ts";

/** The `--timeout` of each run, in seconds. */
export const TIMEOUT = 15;

/** The seconds from the creation of a pod until it runs, and from one pod to the next, with a busy machine. */
const POD_OVERHEAD = 3;

/** The seconds for reading, planning and verifying, and for repeating requests whose answers are lost. */
const READING = 20;

/** The seconds from a signal to the report. */
export const REPORT_AFTER_SIGNAL = 10;

/** The number of nodes, and so the highest number of pods of a DaemonSet. */
const NODES = 3;

/**
 * Returns the seconds within which a run must end.
 *
 * A workload is waited for while it makes progress, and at most `--timeout` without any: once while
 * somebody else's rollout holds it, and once while its own restart rolls out. Every change to it can begin a
 * rollout of its pods, one after the other. The runs of the world may all restart it. So the most that a workload
 * can take is
 *
 *     2 × timeout + (runs + changes) × pods × (ready after + drain + overhead)
 *
 * and a list of such jobs on `--max-parallel` machines takes at most the sum divided by the number of
 * machines, plus the longest job (Graham, 1966). Workloads that an earlier run restarted are waited for beside
 * the others, and do not make it longer.
 */
export function boundOf({ workloads, changes, world }: Evidence, { plan }: RunEvidence): number {
  const costs = workloads.map(({ namespace, name, spec }) => {
    const own = changes.filter(
      (change) => (change.namespace ?? namespace) === namespace && (change.name ?? name) === name,
    );
    const pods = spec.kind === "DaemonSet" ? NODES : Math.max(spec.replicas, MOST_REPLICAS);
    const { readyAfter = 0, drain = 0, failRestarted } = spec;
    const stumble = failRestarted === "Stumble" ? 4 : 0;
    const rollout = pods * (readyAfter + drain + stumble + POD_OVERHEAD);
    return 2 * TIMEOUT + (world.runs.length + own.length) * rollout;
  });
  const sum = costs.reduce((total, cost) => total + cost, 0);
  return READING + sum / plan.maxParallel + Math.max(0, ...costs);
}
