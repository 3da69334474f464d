import { type Assessment, isHeldBack } from "../mesh/assessment.ts";
import { isWantedOnTarget } from "../mesh/drifted.ts";
import { isReplacing } from "../mesh/ongoing-rollout.ts";
import { isStuck } from "../mesh/restartability.ts";
import type { Verdict } from "../mesh/verdict.ts";
import type { Consent } from "../mesh/consent.ts";
import { consentToGoBack } from "../mesh/way-back.ts";
import { restartTime, type Rollout, wantedPods, type Workload } from "../snapshot.ts";
import { incompleteRestart } from "./incomplete.ts";
import { rolloutStatus } from "./status.ts";
import type { Step, Wait } from "./step.ts";

/** The restarts and waits of a run. A dry run stops here, so it shows what a real run would do. */
export interface Plan {
  /** The restarts, in the order in which they start. */
  readonly steps: readonly Step[];
  /** The workloads on target that an earlier restart left rolling: the run only waits for them. */
  readonly waits: readonly Wait[];
  /** The workloads that need something other than a restart; their assessments have the reasons. */
  readonly leftOut: readonly Assessment[];
}

/**
 * Plans the restarts that are wanted and possible, and the waits for earlier restarts.
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
    const { workload, verdict, restart, inPlace } = assessment;
    // A replacement that an earlier run has begun is finished with any verdict.
    if (inPlace?.kind === "possible") {
      return stepOf(assessment).map((step) => ({
        step: { ...step, podsAtOnce: 1 },
        priority: "healthy" as const,
      }));
    }
    const isAgain = isHeldBack(assessment, consent);
    if (!isAgain && !isWanted(assessment, consent)) return [];
    // A rollout that looks stuck may continue: it is waited for a moment, like any other rollout.
    if (restart.answer !== "yes" && !isStuck(restart)) return [];
    if (ON_TARGET.has(verdict) && !isAgain && isUnderWay(assessment)) return [];
    return stepOf(assessment).map((step) => ({ step, priority: priorityOf(workload) }));
  });
  /** True if an earlier restart of a current workload still rolls: the run waits for it. */
  function isUnderWay({ workload, running, target }: Assessment): boolean {
    const { rollout } = workload;
    if (incompleteRestart(workload, now, timeout) === undefined) return false;
    const { unhealthy } = consentToGoBack(consent, running, target);
    return !unhealthy || (rollout !== undefined && isReplacing(rollout));
  }
  const ordered = PRIORITIES.flatMap((priority) =>
    interleave(steps.filter((each) => each.priority === priority).map(({ step }) => step)),
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
      ({ workload, verdict }) => !NOTHING_NEEDED.has(verdict) && !planned.has(workload.uid),
    ),
  };
}

/** Returns one step, or none if the target is unknown. */
function stepOf({ workload, verdict, running, target, drift }: Assessment): readonly Step[] {
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
      restartedAt: restartTime(workload),
      ...(drift !== undefined && { drift }),
    },
  ];
}

/** True if the user wants a workload with this verdict to be restarted. */
export function isWanted(
  { verdict, drift }: Pick<Assessment, "verdict" | "drift">,
  consent: Consent,
): boolean {
  return (
    verdict === "outdated" ||
    (verdict === "missing" && consent.missing) ||
    (verdict === "current" && isWantedOnTarget(drift, consent))
  );
}

/** The verdicts of workloads that a restart would not change. */
const ON_TARGET: ReadonlySet<Verdict> = new Set(["current", "pinned"]);

/** The verdicts of workloads that need nothing from the user. */
const NOTHING_NEEDED: ReadonlySet<Verdict> = new Set(["managed", "excluded", "pinned", "current"]);

/**
 * The order of the restarts. Rolling workloads come first: their rollouts are already in progress, so
 * they take their slots. Healthy workloads are next: their failures say the most and do the least harm.
 */
const PRIORITIES = ["rolling", "healthy", "unready"] as const;

function priorityOf({ rollout, pods }: Workload): (typeof PRIORITIES)[number] {
  if (rollout !== undefined && isReplacing(rollout)) return "rolling";
  const done = rollout === undefined || rolloutStatus(rollout).state === "done";
  const ready = pods.every((group) => group.ready === group.pods && group.trouble === undefined);
  return done && ready ? "healthy" : "unready";
}

function podsAtOnce(rollout: Rollout): number {
  return Math.min(wantedPods(rollout), rollout.surge + rollout.unavailable);
}

/** Takes one workload of each namespace in turn, so that no single team bears all the risk. */
function interleave(steps: readonly Step[]): readonly Step[] {
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
