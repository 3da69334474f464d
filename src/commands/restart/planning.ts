import { narrowPlan, type Narrowed } from "../../rollout/approval.ts";
import { type Include, planRestart } from "../../rollout/plan.ts";
import type { Step } from "../../rollout/step.ts";
import type { RestartSettings } from "../../settings.ts";
import type { ScopeAssessment } from "../assess-scope.ts";
import type { Session } from "../session.ts";
import type { ApprovedPlan } from "./approved-plan.ts";
import { readTemplates } from "./templates.ts";

/** What of a look belongs to the plan; all of it where none was given. */
export function ofPlan(seen: ScopeAssessment, approved: ApprovedPlan | undefined): ScopeAssessment {
  if (approved === undefined) return seen;
  const planned = new Set(approved.steps.map(({ ref }) => placeOf(ref)));
  return {
    ...seen,
    workloads: seen.workloads.filter((workload) => planned.has(placeOf(workload))),
    assessments: seen.assessments.filter(({ workload }) => planned.has(placeOf(workload))),
  };
}

function placeOf({ namespace, kind, name }: Step["ref"]): string {
  return `${namespace}/${kind}/${name}`;
}

export function includeOf({ include }: RestartSettings): Include {
  return { missing: include.has("missing"), current: include.has("current") };
}

/** What is to be done now; of an approved plan, what of it still may. */
export async function planFor(
  session: Session<RestartSettings>,
  { assessments }: ScopeAssessment,
  approved: ApprovedPlan | undefined,
): Promise<Narrowed> {
  const { settings, io } = session;
  const fresh = planRestart(assessments, includeOf(settings), io.now().getTime(), settings.timeout);
  const templates = await readTemplates(session, approved?.steps ?? fresh.steps);
  const steps = fresh.steps.map((step) => ({ ...step, template: templates.get(step.ref.uid) }));
  // A dry run tells what would be changed: it has nothing to wait for.
  const waits = settings.dryRun === undefined ? fresh.waits : [];
  const plan = { ...fresh, steps, waits };
  if (approved === undefined) return { plan, settled: [] };
  return narrowPlan(approved.steps, plan, templates, assessments, io.now());
}
