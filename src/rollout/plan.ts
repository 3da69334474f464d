import type { Assessment, Target, Verdict } from "../mesh/assess.ts";
import type { WorkloadRef } from "../snapshot.ts";

/** What a restart is going to do, as data: a dry run stops after it, so it cannot differ. */
export interface Plan {
  /** In the order in which they are started. */
  readonly steps: readonly Step[];
  /** What needs something and is not restarted, with the reason in its assessment. */
  readonly leftOut: readonly Assessment[];
}

export interface Step {
  readonly ref: WorkloadRef;
  readonly verdict: Verdict;
  readonly from: readonly From[];
  readonly to: Target;
  /** It had a sidecar before, so losing it is a failure whatever a later check would say. */
  readonly hadSidecar: boolean;
}

/** What some pods of a workload ran before. */
export interface From {
  /** `undefined`: no sidecar. */
  readonly image: string | undefined;
  readonly revision: string | undefined;
  readonly pods: number;
}

/** What the operator asked to have restarted beyond the outdated. */
export interface Include {
  readonly missing: boolean;
  /** Also what is on target already: to pick up a change that no image shows. */
  readonly current: boolean;
}

export function planRestart(assessments: readonly Assessment[], include: Include): Plan {
  const steps = assessments.flatMap((assessment) => {
    const { workload, verdict, running, target, restart } = assessment;
    if (!isWanted(verdict, include) || restart.answer !== "yes" || target === undefined) return [];
    const { namespace, kind, name, uid } = workload;
    return [
      {
        ref: { namespace, kind, name, uid },
        verdict,
        from: running.map(({ image, revision, pods: count }) => ({ image, revision, pods: count })),
        to: target,
        hadSidecar: running.some(({ image }) => image !== undefined),
      },
    ];
  });
  const planned = new Set(steps.map(({ ref }) => ref.uid));
  return {
    steps: interleaved(steps),
    leftOut: assessments.filter(
      ({ workload, verdict }) => !AT_PEACE.has(verdict) && !planned.has(workload.uid),
    ),
  };
}

export function isWanted(verdict: Verdict, include: Include): boolean {
  return (
    verdict === "outdated" ||
    (verdict === "missing" && include.missing) ||
    (verdict === "current" && include.current)
  );
}

/** Verdicts that ask for nothing. */
const AT_PEACE: ReadonlySet<Verdict> = new Set(["managed", "excluded", "pinned", "current"]);

/** One workload of each namespace in turn, so that one team does not take all the risk. */
function interleaved(steps: readonly Step[]): readonly Step[] {
  const byNamespace = new Map<string, Step[]>();
  for (const step of steps) {
    const queue = byNamespace.get(step.ref.namespace) ?? [];
    byNamespace.set(step.ref.namespace, [...queue, step]);
  }
  const queues = [...byNamespace.values()];
  const longest = Math.max(0, ...queues.map((queue) => queue.length));
  return Array.from({ length: longest }, (_, turn) =>
    queues.flatMap((queue) => queue[turn] ?? []),
  ).flat();
}
