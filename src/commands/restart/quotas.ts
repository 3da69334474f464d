import pLimit from "p-limit";
import { ApiError, isForbidden } from "../../cluster/api-error.ts";
import { listQuotas, readPodNeeds } from "../../cluster/quotas.ts";
import { quotaWarning } from "../../mesh/quota.ts";
import type { Assessment } from "../../mesh/assess.ts";
import type { Plan } from "../../rollout/plan.ts";
import type { Quota } from "../../snapshot.ts";
import type { Look } from "../look.ts";
import type { Session } from "../session.ts";

/** More at a time would only make the API server queue them. */
const READS_AT_A_TIME = 8;

/** Adds a warning to what is planned where a quota has no room for the pods that it adds. */
export async function withQuotaWarnings(session: Session, seen: Look, plan: Plan): Promise<Look> {
  const limit = pLimit(READS_AT_A_TIME);
  const places = [...new Set(plan.steps.map(({ ref }) => ref.namespace))];
  const quotas = new Map(
    await limit.map(places, async (place) => [place, await quotasOf(session, place)] as const),
  );
  const planned = new Set(plan.steps.map(({ ref }) => ref.uid));
  const assessments = await limit.map(seen.assessments, async (assessment) => {
    const { uid, namespace } = assessment.workload;
    const own = quotas.get(namespace) ?? [];
    if (own.length === 0 || !planned.has(uid)) return assessment;
    return withWarning(session, assessment, own);
  });
  return { ...seen, assessments };
}

async function withWarning(
  { api }: Session,
  assessment: Assessment,
  quotas: readonly Quota[],
): Promise<Assessment> {
  const { namespace, rollout } = assessment.workload;
  if (rollout === undefined || rollout.surge === 0) return assessment;
  try {
    const needs = await readPodNeeds(api, namespace, rollout.selector);
    const warning = needs && quotaWarning(rollout.surge, needs, quotas);
    return warning === undefined
      ? assessment
      : { ...assessment, warnings: [...assessment.warnings, warning] };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return assessment;
  }
}

/** None where they may not be read, which is said once: they are only warned about. */
async function quotasOf({ api, notes }: Session, namespace: string): Promise<readonly Quota[]> {
  try {
    return await listQuotas(api, namespace);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const why = isForbidden(error) ? "may not be listed" : "could not be listed";
    notes.add(
      `resourcequotas ${why} in ${namespace}: whether new pods fit is not known beforehand`,
    );
    return [];
  }
}
