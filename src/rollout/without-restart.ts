import { rolloutCommand } from "../kubernetes/kinds.ts";
import type { Assessment } from "../mesh/assessment.ts";
import type { Consent } from "../mesh/consent.ts";
import { failureOf } from "../mesh/restartability.ts";
import type { Workload } from "../snapshot.ts";
import { isSameTarget, templateChange } from "./approval.ts";
import { isWanted } from "./plan.ts";
import { type Ending, ended } from "./result.ts";
import { isPaused } from "./status.ts";
import type { Step } from "./step.ts";

/**
 * Returns the ending of a planned workload that no longer needs a restart, or must not be restarted.
 *
 * @param waited true if the workload waited for something after its turn came.
 */
export function endingWithoutRestart(
  { workload, verdict, restart, finding }: Assessment,
  consent: Consent,
  waited: boolean,
): Ending | undefined {
  if (verdict === "current" && waited) return afterRollout(workload);
  if (verdict === "current" && !consent.current) {
    return ended("skipped", "already-current", "already on target");
  }
  if (!isWanted(verdict, consent)) {
    return ended("skipped", finding.code, finding.reason, finding.nextStep);
  }
  if (restart.answer === "yes") return undefined;
  const { code, reason, nextStep } = restart.finding;
  return ended("skipped", code, reason, nextStep);
}

/** The ending of a workload that another rollout brought to its target. */
function afterRollout(workload: Workload): Ending {
  const done = "on target after a rollout that was already running";
  if (isPaused(workload.rollout)) {
    const resume = rolloutCommand("resume", workload);
    return ended("timed-out", "paused", `${done}, and now paused`, resume);
  }
  const failure = failureOf(workload);
  if (failure === undefined) return ended("waited", "on-target", done);
  return ended(
    "failed",
    "unhealthy",
    `${done}, but ${failure}`,
    rolloutCommand("status", workload),
  );
}

/** Returns the ending of an approved step whose workload or target is no longer the approved one. */
export function notAsApproved(
  step: Pick<Step, "to" | "template">,
  { target, workload }: Assessment,
): Ending | undefined {
  // A changed template may have a target of its own, which says nothing about the other steps.
  const changed = templateChange(step, workload.templateHash);
  if (changed) return ended("skipped", changed.code, changed.message);
  if (target === undefined || isSameTarget(target, step.to)) return undefined;
  const message = `the target is now ${target.image} of ${target.revision}, not the approved one`;
  return ended("skipped", "target-moved", message);
}
