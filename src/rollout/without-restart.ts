import { rolloutCommand } from "../kubernetes/kinds.ts";
import { type Assessment, isHeldBack } from "../mesh/assessment.ts";
import type { Consent } from "../mesh/consent.ts";
import { failureOf } from "../mesh/health.ts";
import { haveSameTag } from "../mesh/image.ts";
import type { Workload } from "../snapshot.ts";
import { driftChange, isSameTarget, restartSince, templateChange } from "./approval.ts";
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
  step: Pick<Step, "restartedAt">,
  assessment: Assessment,
  consent: Consent,
  waited: boolean,
): Ending | undefined {
  const { workload, verdict, restart, finding } = assessment;
  const wanted = isWanted(assessment, consent) || isHeldBack(assessment, consent);
  if (verdict === "current" && waited) return afterRollout(workload);
  if (verdict === "current" && !wanted) {
    return ended("skipped", "already-current", "already on target");
  }
  const restarted = verdict === "current" ? restartSince(step, workload) : undefined;
  if (restarted) return ended("skipped", restarted.code, restarted.message);
  if (!wanted) {
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
    `${done}, but ${failure.reason}`,
    rolloutCommand("status", workload),
  );
}

/**
 * Returns the ending of a step that would move its workload to another revision than the one that was
 * shown. Another image of the same revision is a newer patch.
 */
export function notAsShown(
  { to }: Pick<Step, "to">,
  { target }: Pick<Assessment, "target">,
): Ending | undefined {
  if (target === undefined || target.revision === to.revision) return undefined;
  const message = `its target is now of the revision ${target.revision}, but the plan showed ${to.revision}`;
  return ended("skipped", "revision-changed", message);
}

/**
 * Returns the ending of an approved step whose workload or target is no longer the approved one.
 *
 * @param isMove true if the plan was made before the label of the namespace, so that no dry run showed
 *   whether somebody else rewrites the image.
 */
export function notAsApproved(
  step: Pick<Step, "to" | "template" | "restartedAt" | "drift">,
  { target, workload, drift }: Assessment,
  isMove = false,
): Ending | undefined {
  const restarted = restartSince(step, workload);
  if (restarted) return ended("skipped", restarted.code, restarted.message);
  // A changed template may have a target of its own, which says nothing about the other steps.
  const changed = templateChange(step, workload.templateHash);
  if (changed) return ended("skipped", changed.code, changed.message);
  const isRewritten =
    isMove && target?.revision === step.to.revision && haveSameTag(target.image, step.to.image);
  if (target === undefined || isRewritten || isSameTarget(target, step.to)) {
    const drifted = driftChange(step, drift);
    return drifted && ended("skipped", drifted.code, drifted.message);
  }
  const message = `the target is now ${target.image} of ${target.revision}, not the approved one`;
  return ended("skipped", "target-moved", message);
}
