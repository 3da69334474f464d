import type { Assessment } from "../mesh/assessment.ts";
import type { Target } from "../mesh/running-pods.ts";
import type { Plan } from "./plan.ts";
import type { Step } from "./step.ts";
import { type StepResult, untouched } from "./result.ts";

/** What is left of an approved plan after a fresh look at the cluster. */
export interface Narrowed {
  /** What is still as it was approved, in the approved order. */
  readonly plan: Plan;
  /** What is not: current meanwhile, or refused since it has changed. */
  readonly decided: readonly StepResult[];
}

/**
 * Holds an approved plan against the present. What has become current is skipped, or waited for
 * where it still rolls; what has changed is refused one by one, and the rest may run; a target that has
 * moved since stops all of it, since what was approved is not what would happen.
 *
 * @param fresh what would be planned now.
 * @param templates hash of the pod template by uid, as far as it could be read.
 * @param assessments of everything that was looked at now.
 */
export function narrowPlan(
  approved: readonly Step[],
  fresh: Plan,
  templates: ReadonlyMap<string, string>,
  assessments: readonly Assessment[],
  now: Date,
): Narrowed {
  const known = approved.map((step) => ({
    step,
    assessment: assessments.find(({ workload }) => isNamed(workload, step)),
    planned: fresh.steps.find(({ ref }) => ref.uid === step.ref.uid),
  }));
  // Only what is the same workload still tells where the others would go, too.
  const isSame = (step: Step, { workload }: Assessment) =>
    workload.uid === step.ref.uid &&
    (templates.get(step.ref.uid) ?? step.template) === step.template;
  const moved = known.find(
    ({ step, assessment }) =>
      assessment?.target && isSame(step, assessment) && !isSameTarget(assessment.target, step.to),
  );
  const stop = moved && targetMoved(moved.step, moved.assessment?.target);
  const waits = fresh.waits.filter(
    ({ ref }) => stop === undefined && approved.some((step) => step.ref.uid === ref.uid),
  );
  const waited = new Set(waits.map(({ ref }) => ref.uid));
  const judged = known.map(({ step, assessment, planned }) => ({
    step,
    planned,
    why: changeSince(step, assessment, planned, templates.get(step.ref.uid)) ?? stop,
  }));
  return {
    plan: {
      ...fresh,
      waits,
      steps: judged.flatMap(({ why, planned }) => (why === undefined ? (planned ?? []) : [])),
    },
    decided: judged.flatMap(({ step, why }) =>
      why === undefined || waited.has(step.ref.uid)
        ? []
        : [untouched(step, { outcome: "skipped", ...why }, now)],
    ),
  };
}

function targetMoved({ ref }: Step, target: Target | undefined): Why {
  const place = `${ref.namespace}/${ref.kind}/${ref.name}`;
  return {
    code: "target-moved",
    message: `nothing of the plan is carried out, for the target has moved since: ${place} would get ${target?.image} of ${target?.revision}`,
  };
}

/** Why a step may not run as it was approved. */
type Why = Pick<StepResult, "code" | "message">;

export function isSameTarget(one: Target, other: Target): boolean {
  return one.image === other.image && one.revision === other.revision;
}

function isNamed(
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
): Why | undefined {
  if (assessment === undefined) {
    return { code: "gone", message: "it is not there any more, or has left the mesh" };
  }
  const { verdict, workload, finding, restart } = assessment;
  if (workload.uid !== step.ref.uid) {
    return {
      code: "recreated",
      message: "it was deleted and created anew since the plan was made",
    };
  }
  if (verdict === "current" && step.verdict !== "current") {
    return { code: "already-current", message: "it has become current since the plan was made" };
  }
  if (verdict !== step.verdict) {
    const message = `it was ${step.verdict} when the plan was made, and is ${verdict} now: ${finding.reason}`;
    return { code: "verdict-changed", message };
  }
  if (planned === undefined) {
    const { code, reason } = restart.answer === "yes" ? finding : restart.finding;
    return { code, message: reason };
  }
  return templateChange(step, template);
}

/** What is refused where the pod template is not the approved one. */
export function templateChange(
  step: Pick<Step, "template">,
  now: string | undefined,
): Why | undefined {
  if (now !== undefined && now === step.template) return undefined;
  return {
    code: "template-changed",
    message: "its pod template is not the one that the plan was made for",
  };
}
