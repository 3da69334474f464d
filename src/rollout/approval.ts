import type { Assessment } from "../mesh/assessment.ts";
import type { Target } from "../mesh/running-pods.ts";
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
  if (verdict !== step.verdict) {
    const message = `it was ${step.verdict} when the plan was made and is now ${verdict}: ${finding.reason}`;
    return { code: "verdict-changed", message };
  }
  if (planned === undefined) {
    const { code, reason } = restart.answer === "yes" ? finding : restart.finding;
    return { code, message: reason };
  }
  return templateChange(step, template);
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
