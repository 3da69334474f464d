import { resolveDeadline } from "../../deadline.ts";
import { EXIT, type ExitReason } from "../../exit-codes.ts";
import type { Plan } from "../../rollout/plan.ts";
import type { StepResult } from "../../rollout/result.ts";
import type { Gap } from "../../snapshot.ts";
import { assessScope, type ScopeAssessment } from "../assess-scope.ts";
import { askConsent } from "./consent.ts";
import { requirePermissions } from "./permissions.ts";
import { keepPlanned, planFor } from "./planning.ts";
import { withQuotaWarnings } from "./quotas.ts";
import { createRecord, type RunRecord } from "./record.ts";
import type { RestartSession } from "./restart-session.ts";

/** The state of a `restart` command just before it changes anything. */
export type Preparation = ReadyToRestart | ReportOnly;

interface Prepared {
  readonly before: ScopeAssessment;
  /** The results that are known without a restart, because the approved plan no longer fits. */
  readonly decided: readonly StepResult[];
  readonly record: RunRecord;
}

/** A plan that may be carried out. */
export interface ReadyToRestart extends Prepared {
  readonly kind: "ready";
  readonly plan: Plan;
  readonly deadline: Date | undefined;
  /** The gaps in the quotas and pods that quota warnings are based on. */
  readonly quotaGaps: readonly Gap[];
}

/** A client-side dry run, an empty plan, or a plan that the user declined: only a report follows. */
interface ReportOnly extends Prepared {
  readonly kind: "report";
  readonly reasons: readonly ExitReason[];
}

/**
 * Reads the scope, plans, checks permissions and asks the user. Changes nothing.
 *
 * @param abort ends the question to the user without an answer.
 */
export async function prepare(session: RestartSession, abort: AbortSignal): Promise<Preparation> {
  const { settings, io, approved } = session;
  const deadline = settings.deadline && resolveDeadline(settings.deadline, io.now());
  const assessed = keepPlanned(await assessScope(session, { isPlan: true }), approved);
  const { plan, decided } = await planFor(session, assessed);
  const { warned, gaps: quotaGaps } = await withQuotaWarnings(session, assessed, plan);
  const before = withGaps(warned, quotaGaps);
  const toDo = plan.waits.length + plan.steps.length;
  const planned = approved?.steps ?? plan.steps;
  const record = await createRecord(session, planned, decided.length + toDo);
  const prepared = { before, decided, record };
  if (settings.dryRun === "client" || toDo === 0) {
    return { ...prepared, kind: "report", reasons: [] };
  }
  await requirePermissions(session, plan);
  const mayStart =
    settings.dryRun !== undefined ||
    (await askConsent(session, plan, record.plan(before), deadline, abort));
  return mayStart
    ? { ...prepared, kind: "ready", plan, deadline, quotaGaps }
    : {
        ...prepared,
        kind: "report",
        reasons: [{ code: EXIT.needsPerson, text: "no-consent" }],
      };
}

/** Adds the gaps that the assessment does not have yet. */
export function withGaps(assessed: ScopeAssessment, gaps: readonly Gap[]): ScopeAssessment {
  const isNew = ({ verb, resource, namespace }: Gap) =>
    !assessed.gaps.some(
      (gap) => gap.verb === verb && gap.resource === resource && gap.namespace === namespace,
    );
  return { ...assessed, gaps: [...assessed.gaps, ...gaps.filter(isNew)] };
}
