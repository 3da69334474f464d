import { narrowPlan, type NarrowedPlan } from "../../rollout/approval.ts";
import { repeatWarning } from "../../mesh/warnings.ts";
import { type Plan, planRestart } from "../../rollout/plan.ts";
import type { Step } from "../../rollout/step.ts";
import type { ScopeAssessment } from "../assess-scope.ts";
import type { NamespaceMoves } from "../move/namespace-moves.ts";
import type { ApprovedPlan } from "./approved-plan.ts";
import type { RestartSession } from "./restart-session.ts";
import { readTemplateHashes } from "./template-hashes.ts";

/** Keeps the workloads of an approved plan; keeps all of them if there is no such plan. */
export function keepPlanned(
  assessed: ScopeAssessment,
  approved: ApprovedPlan | undefined,
): ScopeAssessment {
  if (approved === undefined) return assessed;
  const planned = new Set(approved.steps.map(({ ref }) => keyOf(ref)));
  return {
    ...assessed,
    workloads: assessed.workloads.filter((workload) => planned.has(keyOf(workload))),
    assessments: assessed.assessments.filter(({ workload }) => planned.has(keyOf(workload))),
  };
}

function keyOf({ namespace, kind, name }: Step["ref"]): string {
  return `${namespace}/${kind}/${name}`;
}

/** Adds a warning to each planned workload on target that was restarted a short time ago. */
export function withRepeatWarnings(
  assessed: ScopeAssessment,
  { steps }: Plan,
  now: number,
): ScopeAssessment {
  const planned = new Set(
    steps.flatMap(({ ref, verdict }) => (verdict === "current" ? ref.uid : [])),
  );
  const assessments = assessed.assessments.map((assessment) => {
    const { workload, warnings } = assessment;
    if (!planned.has(workload.uid)) return assessment;
    return { ...assessment, warnings: [...warnings, ...repeatWarning(workload, now)] };
  });
  return { ...assessed, assessments };
}

/**
 * Turns waits in namespaces without their label into steps: the rollout in progress may still create pods
 * of the other revision, until the namespace has its label.
 */
function withoutWaits(plan: Plan, move: Pick<NamespaceMoves, "isPending">): Plan {
  const isPending = ({ ref }: Step) => move.isPending(ref.namespace);
  return {
    ...plan,
    steps: [...plan.steps, ...plan.waits.filter(isPending)],
    waits: plan.waits.filter((wait) => !isPending(wait)),
  };
}

/** Plans restarts. If there is an approved plan, returns the part of it that may still run. */
export async function planFor(
  session: RestartSession,
  { assessments }: ScopeAssessment,
): Promise<NarrowedPlan> {
  const { settings, io, approved, move } = session;
  const { consent, timeout, dryRun } = settings;
  const planned = planRestart(assessments, consent, io.now().getTime(), timeout);
  const fresh = move === undefined ? planned : withoutWaits(planned, move);
  const templates = await readTemplateHashes(session, approved?.steps ?? fresh.steps);
  const steps = fresh.steps.map((step) => ({ ...step, template: templates.get(step.ref.uid) }));
  // A dry run shows what would change: it has nothing to wait for.
  const waits = dryRun === undefined ? fresh.waits : [];
  const plan = { ...fresh, steps, waits };
  if (approved === undefined) return { plan, decided: [] };
  return narrowPlan(approved.steps, plan, templates, assessments, io.now());
}
