import type { Assessment } from "../mesh/assess.ts";
import { isSameTarget, templateChange } from "./approval.ts";
import { type Ending, ended } from "./ending.ts";
import { type Include, isWanted, type Step } from "./plan.ts";

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

/** Why a workload that was planned needs no restart now, or may not have one. */
export function skipReason(
  { verdict, restart: can, finding }: Assessment,
  include: Include,
  waited: boolean,
): Ending | undefined {
  if (verdict === "current" && (waited || !include.current)) {
    return waited
      ? ended("waited", "on-target", "a rollout that was under way brought it on target")
      : ended("skipped", "already-current", "it is on target already");
  }
  if (!isWanted(verdict, include)) {
    return ended("skipped", finding.code, finding.reason, finding.nextStep);
  }
  if (can.answer === "yes") return undefined;
  const { code, reason, nextStep } = can.finding;
  return ended("skipped", code, reason, nextStep);
}
