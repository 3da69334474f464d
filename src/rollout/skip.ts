import type { Assessment } from "../mesh/assessment.ts";
import { isSameTarget, templateChange } from "./approval.ts";
import { type Ending, ended } from "./result.ts";
import { rolloutCommand } from "../kubernetes/kinds.ts";
import { type Consent, failureOf } from "../mesh/restartability.ts";
import type { Workload } from "../snapshot.ts";
import { isPaused } from "./status.ts";
import { isWanted } from "./plan.ts";
import type { Step } from "./step.ts";

/** What keeps a step of an approved plan from being carried out as it was approved. */
export function notAsApproved(
  step: Pick<Step, "to" | "template">,
  { target, workload }: Assessment,
): Ending | undefined {
  // Another template may have another target of its own, which says nothing of the others.
  const changed = templateChange(step, workload.templateHash);
  if (changed) return ended("skipped", changed.code, changed.message);
  if (target === undefined || isSameTarget(target, step.to)) return undefined;
  const message = `the target is ${target.image} of ${target.revision} now, not the approved one`;
  return ended("skipped", "target-moved", message);
}

/** How a rollout ended that was waited for, and brought its workload on target. */
function comeOut(workload: Workload): Ending {
  const brought = "a rollout that was under way brought it on target";
  const { rollout } = workload;
  if (isPaused(rollout)) {
    const resume = rolloutCommand("resume", workload);
    return ended("timed-out", "paused", `${brought}, and was paused`, resume);
  }
  const failure = failureOf(workload);
  return failure === undefined
    ? ended("waited", "on-target", brought)
    : ended(
        "failed",
        "unhealthy",
        `${brought}, and: ${failure}`,
        rolloutCommand("status", workload),
      );
}

/** Why a workload that was planned needs no restart now, or may not have one. */
export function skipReason(
  { workload, verdict, restart: can, finding }: Assessment,
  consent: Consent,
  waited: boolean,
): Ending | undefined {
  if (verdict === "current" && waited) return comeOut(workload);
  if (verdict === "current" && !consent.current) {
    return ended("skipped", "already-current", "it is on target already");
  }
  if (!isWanted(verdict, consent)) {
    return ended("skipped", finding.code, finding.reason, finding.nextStep);
  }
  if (can.answer === "yes") return undefined;
  const { code, reason, nextStep } = can.finding;
  return ended("skipped", code, reason, nextStep);
}
