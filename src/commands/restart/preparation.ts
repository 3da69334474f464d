import { resolveDeadline } from "../../deadline.ts";
import type { Plan } from "../../rollout/plan.ts";
import type { StepResult } from "../../rollout/result.ts";
import { divideIntoWaves, type Wave } from "../../rollout/waves.ts";
import type { Gap } from "../../snapshot.ts";
import { assessScope, type ScopeAssessment } from "../assess-scope.ts";
import { askConsent, requireInstalledRevisions } from "./consent.ts";
import { requirePermissions } from "./permissions.ts";
import { keepPlanned, planFor, withRepeatWarnings } from "./planning.ts";
import { withQuotaWarnings } from "./quotas.ts";
import { createRecord, type RunRecord } from "./record.ts";
import { isMoveRefused, noteTemplates } from "../move/refusal.ts";
import { pendingNames } from "../move/label-notice.ts";
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
  /** The parts of the plan; empty without waves. */
  readonly waves: readonly Wave[];
  readonly deadline: Date | undefined;
  /** The gaps in the quotas and pods that quota warnings are based on. */
  readonly quotaGaps: readonly Gap[];
}

/**
 * A client-side dry run, an empty plan, a plan that the user declined, or a move that something is
 * against: only a report follows.
 */
export interface ReportOnly extends Prepared {
  readonly kind: "report" | "declined" | "refused";
}

/**
 * Reads the scope, plans, checks permissions and asks the user. Changes nothing.
 *
 * @param abort ends the question to the user without an answer.
 */
export async function prepare(session: RestartSession, abort: AbortSignal): Promise<Preparation> {
  const { settings, io, approved, move } = session;
  const deadline = settings.deadline && resolveDeadline(settings.deadline, io.now());
  const read = await assessScope(session, {
    isPlan: true,
    mayBeGone: approved !== undefined,
    relabels: move,
  });
  requireInstalledRevisions(settings, read);
  if (move !== undefined) noteTemplates(session, move, read);
  const assessed = keepPlanned(read, approved);
  const { plan, decided } = await planFor(session, assessed);
  // The steps of an approved plan are skipped if they were restarted since.
  const known =
    approved === undefined ? withRepeatWarnings(assessed, plan, io.now().getTime()) : assessed;
  // Nothing in place adds a pod.
  const { warned, gaps: quotaGaps } = settings.inPlace
    ? { warned: known, gaps: [] }
    : await withQuotaWarnings(session, known, plan);
  const before = withGaps(warned, quotaGaps);
  const labels = move === undefined ? 0 : pendingNames(move).length;
  const toDo = plan.waits.length + plan.steps.length;
  const planned = approved?.steps ?? plan.steps;
  const waves =
    settings.waves === undefined
      ? []
      : divideIntoWaves(settings.waves.sizes, plan, before.assessments);
  const record = await createRecord(session, planned, decided.length + toDo, waves, read);
  const prepared = { before, decided, record };
  if (move !== undefined && isMoveRefused(move, read)) return { ...prepared, kind: "refused" };
  if (settings.dryRun === "client" || toDo + labels === 0) {
    return { ...prepared, kind: "report" };
  }
  await requirePermissions(session, plan, before.assessments);
  const mayStart =
    settings.dryRun !== undefined ||
    (await askConsent(session, plan, record.plan(before), deadline, abort));
  return mayStart
    ? { ...prepared, kind: "ready", plan, waves, deadline, quotaGaps }
    : { ...prepared, kind: "declined" };
}

/** Adds the gaps that the assessment does not have yet. */
export function withGaps(assessed: ScopeAssessment, gaps: readonly Gap[]): ScopeAssessment {
  const isNew = ({ verb, resource, namespace }: Gap) =>
    !assessed.gaps.some(
      (gap) => gap.verb === verb && gap.resource === resource && gap.namespace === namespace,
    );
  return { ...assessed, gaps: [...assessed.gaps, ...gaps.filter(isNew)] };
}
