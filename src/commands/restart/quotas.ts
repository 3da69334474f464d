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
 * Adds a warning to what is planned where a quota has no room for the pods that it adds.
 *
 * @returns also what could not be read for it: whether new pods fit is then not known.
 */
export async function withQuotaWarnings(
  session: Session,
  seen: ScopeAssessment,
  plan: Plan,
): Promise<{ readonly warned: ScopeAssessment; readonly gaps: readonly Gap[] }> {
  const gaps = new Gaps(session.api);
  const limit = pLimit(READS_AT_A_TIME);
  const places = [...new Set(plan.steps.map(({ ref }) => ref.namespace))];
  const quotas = new Map(
    await limit.map(places, async (place) => {
      const read = await gaps.during(
        { verb: "list", resource: "resourcequotas", namespace: place },
        (inconsistent) => listQuotas(session.api, place, inconsistent),
      );
      return [place, read ?? []] as const;
    }),
  );
  const planned = new Set(plan.steps.map(({ ref }) => ref.uid));
  const assessments = await limit.map(seen.assessments, async (assessment) => {
    const { uid, namespace } = assessment.workload;
    const own = quotas.get(namespace) ?? [];
    if (own.length === 0 || !planned.has(uid)) return assessment;
    return withWarning(session, gaps, assessment, own);
  });
  return { warned: { ...seen, assessments }, gaps: gaps.all() };
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
