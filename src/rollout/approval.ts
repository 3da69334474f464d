import { isRestartable } from "../kubernetes/kinds.ts";
import type { Assessment } from "../mesh/assessment.ts";
import type { Drift } from "../mesh/drift.ts";
import type { Target } from "../mesh/running-pods.ts";
import { restartTime, type Workload } from "../snapshot.ts";
import type { Plan } from "./plan.ts";
import { type StepResult, untouchedResult } from "./result.ts";
import type { Step } from "./step.ts";

/** An approved plan after a fresh read of the cluster. */
export interface NarrowedPlan {
  /** The steps that still are as they were approved, in the approved order. */
  readonly plan: Plan;
  /** The results of the others: already current, or skipped because they have changed. */
  readonly decided: readonly StepResult[];
}

/** The reason why a step does not run as it was approved. */
type Change = Pick<StepResult, "code" | "message">;

/**
 * Compares an approved plan with the present. A workload that has become current is skipped, or
 * waited for if it is still rolling. A workload that has changed is skipped, and the other steps may
 * run. If the target has changed, no step runs, because the plan would do something other than
 * what was approved.
 *
 * @param fresh the plan that would be made now.
 * @param templates hashes of the pod templates by uid, as far as they could be read.
 * @param assessments every workload that was read now.
 */
export function narrowPlan(
  approved: readonly Step[],
  fresh: Plan,
  templates: ReadonlyMap<string, string>,
  assessments: readonly Assessment[],
  now: Date,
): NarrowedPlan {
  const found = approved.map((step) => ({
    step,
    assessment: assessments.find(({ workload }) => hasName(workload, step)),
    planned: fresh.steps.find(({ ref }) => ref.uid === step.ref.uid),
  }));
  // Only an unchanged workload shows the target of the other steps.
  const isUnchanged = (step: Step, { workload }: Assessment) =>
    workload.uid === step.ref.uid &&
    (templates.get(step.ref.uid) ?? step.template) === step.template;
  const changed = found.find(
    ({ step, assessment }) =>
      assessment?.target &&
      isUnchanged(step, assessment) &&
      !isSameTarget(assessment.target, step.to),
  );
  const stop = changed && changedTarget(changed.step, changed.assessment?.target);
  const waits = fresh.waits.filter(
    ({ ref }) => stop === undefined && approved.some((step) => step.ref.uid === ref.uid),
  );
  const waited = new Set(waits.map(({ ref }) => ref.uid));
  const compared = found.map(({ step, assessment, planned }) => ({
    step,
    planned,
    change: changeSince(step, assessment, planned, templates.get(step.ref.uid)) ?? stop,
  }));
  return {
    plan: {
      ...fresh,
      waits,
      steps: compared.flatMap(({ change, planned }) =>
        change === undefined ? (planned ?? []) : [],
      ),
    },
    decided: compared.flatMap(({ step, change }) =>
      change === undefined || waited.has(step.ref.uid)
        ? []
        : [untouchedResult(step, { outcome: "skipped", ...change }, now)],
    ),
  };
}

function changedTarget({ ref }: Step, target: Target | undefined): Change {
  const workload = `${ref.namespace}/${ref.kind}/${ref.name}`;
  return {
    code: "target-moved",
    message: `no step of the plan runs, because the target has changed: ${workload} would get ${target?.image} of ${target?.revision}`,
  };
}

export function isSameTarget(one: Target, other: Target): boolean {
  return one.image === other.image && one.revision === other.revision;
}

function hasName(
  { namespace, kind, name }: Assessment["workload"],
  { ref }: Pick<Step, "ref">,
): boolean {
  return ref.namespace === namespace && ref.kind === kind && ref.name === name;
}

function changeSince(
  step: Step,
  assessment: Assessment | undefined,
  planned: Step | undefined,
  template: string | undefined,
): Change | undefined {
  if (assessment === undefined) {
    return { code: "gone", message: "it no longer exists, or has left the mesh" };
  }
  const { verdict, workload, finding, restart } = assessment;
  if (workload.uid !== step.ref.uid) {
    return {
      code: "recreated",
      message: "it was deleted and recreated after the plan was made",
    };
  }
  if (verdict === "current" && step.verdict !== "current") {
    return { code: "already-current", message: "it became current after the plan was made" };
  }
  const restarted = restartSince(step, workload);
  if (restarted !== undefined) return restarted;
  if (verdict !== step.verdict) {
    const message = `it was ${step.verdict} when the plan was made and is now ${verdict}: ${finding.reason}`;
    return { code: "verdict-changed", message };
  }
  if (planned === undefined) {
    const { code, reason } = restart.answer === "yes" ? finding : restart.finding;
    return { code, message: reason };
  }
  // Only a kind that can be restarted has a template; the others get new sidecars in place.
  const changed = isRestartable(step.ref.kind) ? templateChange(step, template) : undefined;
  return changed ?? driftChange(step, planned.drift);
}

/**
 * Compares the changes that a restart would bring with the approved ones.
 *
 * @param now `undefined` if they are unknown.
 */
export function driftChange(
  { drift: approved }: Pick<Step, "drift">,
  now: readonly Drift[] | undefined,
): Change | undefined {
  if (approved === undefined) return undefined;
  if (now === undefined) {
    return {
      code: "drift-unknown",
      message: "its pods could not be compared with new ones, as for the approved plan",
    };
  }
  const key = ({ path, what, from, to }: Drift) => JSON.stringify([path, what, from, to]);
  const before = new Set(approved.map(key));
  const added = now.filter((one) => !before.has(key(one)));
  if (added.length === 0 && now.length === approved.length) return undefined;
  const [first] = added;
  const which =
    first === undefined ? "no longer change all that it showed" : `also change ${first.path}`;
  return {
    code: "drift-changed",
    message: `the restart is not the approved one: it would ${which}`,
  };
}

/**
 * Compares a pod template with the approved one.
 *
 * @param now the hash of the template; `undefined` if it could not be read.
 */
export function templateChange(
  step: Pick<Step, "template">,
  now: string | undefined,
): Change | undefined {
  if (now !== undefined && now === step.template) return undefined;
  return { code: "template-changed", message: "its pod template is not the approved one" };
}

/**
 * Returns the change if a workload was restarted after its step was planned: its pods have what injection
 * gave them then. Only whether the times differ counts, because the clocks of two machines may differ.
 */
export function restartSince(
  step: Pick<Step, "restartedAt">,
  workload: Workload,
): Change | undefined {
  const restartedAt = restartTime(workload);
  if (restartedAt === undefined || restartedAt === step.restartedAt) return undefined;
  return {
    code: "already-restarted",
    message: `it was restarted at ${restartedAt}, after the plan was made`,
  };
}
