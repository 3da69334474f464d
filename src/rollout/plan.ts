import type { Assessment } from "../mesh/assessment.ts";
import type { Verdict } from "../mesh/verdict.ts";
import type { Consent } from "../mesh/restartability.ts";
import { type Rollout, wantedPods, type Workload } from "../snapshot.ts";
import { incompleteRestart } from "./incomplete.ts";
import { isReplacing, rolloutStatus } from "./status.ts";
import type { Step, Wait } from "./step.ts";

/** What a restart is going to do, as data: a dry run stops after it, so it cannot differ. */
export interface Plan {
  /** In the order in which they are started. */
  readonly steps: readonly Step[];
  /** What an earlier restart brought on target, and still rolls: waited for, and left as it is. */
  readonly waits: readonly Wait[];
  /** What needs something and is not restarted, with the reason in its assessment. */
  readonly leftOut: readonly Assessment[];
}

/**
 * What is wanted and may be restarted, in its order, and what is only waited for.
 *
 * @param now milliseconds since the epoch.
 * @param timeout milliseconds that a workload may go without progress.
 */
export function planRestart(
  assessments: readonly Assessment[],
  consent: Consent,
  now: number,
  timeout: number,
): Plan {
  const steps = assessments.flatMap((assessment) => {
    const { workload, verdict, restart } = assessment;
    if (!isWanted(verdict, consent) || restart.answer !== "yes") return [];
    return stepOf(assessment).map((step) => ({ step, turn: turnOf(workload) }));
  });
  const ordered = TURNS.flatMap((turn) =>
    interleaved(steps.filter((each) => each.turn === turn).map(({ step }) => step)),
  );
  const planned = new Set(ordered.map(({ ref }) => ref.uid));
  return {
    steps: ordered,
    waits: assessments.flatMap((assessment) => {
      const { workload, verdict } = assessment;
      if (!ON_TARGET.has(verdict) || planned.has(workload.uid)) return [];
      const restartedAt = incompleteRestart(workload, now, timeout);
      if (restartedAt === undefined) return [];
      return stepOf(assessment).map((step) => ({ ...step, restartedAt }));
    }),
    leftOut: assessments.filter(
      ({ workload, verdict }) => !AT_PEACE.has(verdict) && !planned.has(workload.uid),
    ),
  };
}

/** One step, or none where it is not known what would be injected. */
function stepOf({ workload, verdict, running, target }: Assessment): readonly Step[] {
  if (target === undefined) return [];
  const { namespace, kind, name, uid, rollout } = workload;
  return [
    {
      ref: { namespace, kind, name, uid },
      verdict,
      from: running.map(({ image, revision, pods }) => ({ image, revision, pods })),
      to: target,
      hadSidecar: running.some(({ image }) => image !== undefined),
      podsAtOnce: rollout === undefined ? 0 : podsAtOnce(rollout),
      template: undefined,
    },
  ];
}

export function isWanted(verdict: Verdict, consent: Consent): boolean {
  return (
    verdict === "outdated" ||
    (verdict === "missing" && consent.missing) ||
    (verdict === "current" && consent.current)
  );
}

/** Verdicts on pods that are as a restart would make them. */
const ON_TARGET: ReadonlySet<Verdict> = new Set(["current", "pinned"]);

/** Verdicts that ask for nothing. */
const AT_PEACE: ReadonlySet<Verdict> = new Set(["managed", "excluded", "pinned", "current"]);

/**
 * What rolls already comes first: it is waited for, and takes its place among those in flight. Then
 * what is healthy: a failure there tells the most, and harms the least.
 */
const TURNS = ["rolling", "healthy", "unready"] as const;

function turnOf({ rollout, pods }: Workload): (typeof TURNS)[number] {
  if (rollout !== undefined && isReplacing(rollout)) return "rolling";
  const done = rollout === undefined || rolloutStatus(rollout).state === "done";
  const ready = pods.every((group) => group.ready === group.pods && group.trouble === undefined);
  return done && ready ? "healthy" : "unready";
}

function podsAtOnce(rollout: Rollout): number {
  return Math.min(wantedPods(rollout), rollout.surge + rollout.unavailable);
}

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
