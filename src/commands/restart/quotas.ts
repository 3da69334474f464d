import pLimit from "p-limit";
import { Gaps } from "../../cluster/gaps.ts";
import { listQuotas, readPodNeeds } from "../../cluster/quotas.ts";
import { quotaWarning } from "../../mesh/quota.ts";
import type { Assessment } from "../../mesh/assessment.ts";
import type { Plan } from "../../rollout/plan.ts";
import type { Gap, Quota } from "../../snapshot.ts";
import type { ScopeAssessment } from "../assess-scope.ts";
import type { Session } from "../session.ts";
import { READS_AT_A_TIME } from "./request-limits.ts";

/**
 * Adds a warning to each planned workload whose quota has no room for its additional pods.
 *
 * @returns also the gaps: without these reads it is unknown whether new pods fit.
 */
export async function withQuotaWarnings(
  session: Session,
  assessed: ScopeAssessment,
  plan: Plan,
): Promise<{ readonly warned: ScopeAssessment; readonly gaps: readonly Gap[] }> {
  const gaps = new Gaps(session.api);
  const limit = pLimit(READS_AT_A_TIME);
  const namespaces = [...new Set(plan.steps.map(({ ref }) => ref.namespace))];
  const quotas = new Map(
    await limit.map(namespaces, async (namespace) => {
      const read = await gaps.during(
        { verb: "list", resource: "resourcequotas", namespace },
        (inconsistent) => listQuotas(session.api, namespace, inconsistent),
      );
      return [namespace, read ?? []] as const;
    }),
  );
  const planned = new Set(plan.steps.map(({ ref }) => ref.uid));
  const assessments = await limit.map(assessed.assessments, async (assessment) => {
    const { uid, namespace } = assessment.workload;
    const own = quotas.get(namespace) ?? [];
    if (own.length === 0 || !planned.has(uid)) return assessment;
    return withWarning(session, gaps, assessment, own);
  });
  return { warned: { ...assessed, assessments }, gaps: gaps.all() };
}

async function withWarning(
  { api }: Session,
  gaps: Gaps,
  assessment: Assessment,
  quotas: readonly Quota[],
): Promise<Assessment> {
  const { namespace, rollout } = assessment.workload;
  if (rollout === undefined || rollout.surge === 0) return assessment;
  const needs = await gaps.during({ verb: "list", resource: "pods", namespace }, () =>
    readPodNeeds(api, namespace, rollout.selector),
  );
  const warning = needs && quotaWarning(rollout.surge, needs, quotas);
  return warning === undefined
    ? assessment
    : { ...assessment, warnings: [...assessment.warnings, warning] };
}
