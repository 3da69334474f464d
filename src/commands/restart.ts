import { count } from "../count.ts";
import { formatLocal, resolveDeadline } from "../deadline.ts";
import { CannotRun, Interrupted } from "../errors.ts";
import { EXIT, type ExitCode, type ExitReason } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import type { Consent } from "../mesh/restartability.ts";
import type { Plan } from "../rollout/plan.ts";
import type { StepResult } from "../rollout/result.ts";
import { verifyResults } from "../rollout/verification.ts";
import { warningGroups } from "../report/warning-groups.ts";
import type { RestartSettings } from "../settings.ts";
import type { Gap } from "../snapshot.ts";
import { type ScopeAssessment, assessScope } from "./assess-scope.ts";
import {
  type ApprovedPlan,
  readApprovedPlan,
  requireSameCluster,
  withPlan,
} from "./restart/approved-plan.ts";
import { askConsent, requireConsentRules, requireNamedCluster } from "./restart/consent.ts";
import { untilSignal } from "./restart/interruption.ts";
import { withQuotaWarnings } from "./restart/quotas.ts";
import { requirePermissions } from "./restart/permissions.ts";
import { ofPlan, planFor } from "./restart/planning.ts";
import { openRecord, type RunRecord, unverified } from "./restart/record.ts";
import { runPlan } from "./restart/run.ts";
import { type Session, withSession } from "./session.ts";

type RestartSession = Session<RestartSettings>;

/** Check, plan, ask, restart at the asked pace, wait, and verify from a fresh read. */
export async function restart(
  settings: RestartSettings,
  version: string,
  io: Io,
): Promise<ExitCode> {
  requireConsentRules(settings, io);
  if (settings.plan === undefined) {
    return withSession(settings, version, io, (session) => {
      requireNamedCluster(settings, session.api.connection.inCluster);
      return carryOut(session, undefined);
    });
  }
  const approved = await readApprovedPlan(settings.plan);
  return withSession(withPlan(settings, approved), version, io, (session) => {
    requireSameCluster(session, approved);
    return carryOut(session, approved);
  });
}

async function carryOut(
  session: RestartSession,
  approved: ApprovedPlan | undefined,
): Promise<ExitCode> {
  // Whatever comes, the report does: no signal ends the process by itself from here on.
  const unsubscribe = session.io.onSignal(() => undefined);
  try {
    const prepared = await untilSignal(session.io, (overtaken) =>
      prepare(session, approved, overtaken),
    );
    if ("signal" in prepared) throw new Interrupted(prepared.signal);
    const { value } = prepared;
    return "over" in value ? await value.over() : await act(session, approved, value);
  } finally {
    unsubscribe();
  }
}

/** What is going to be done, and may be. */
interface Prepared {
  readonly before: ScopeAssessment;
  /** What could not be read beside the scope itself. */
  readonly aside: readonly Gap[];
  readonly plan: Plan;
  readonly settled: readonly StepResult[];
  readonly deadline: Date | undefined;
  readonly record: RunRecord;
}

/** Reads, plans and asks; nothing is changed. `over`: there is nothing more to do than to report. */
async function prepare(
  session: RestartSession,
  approved: ApprovedPlan | undefined,
  overtaken: AbortSignal,
): Promise<Prepared | { over(): Promise<ExitCode> }> {
  const { settings, io } = session;
  const deadline = settings.deadline && resolveDeadline(settings.deadline, io.now());
  const seen = ofPlan(await assessScope(session, consentOf(settings)), approved);
  const { plan, settled } = await planFor(session, seen, approved);
  const { warned, gaps: aside } = await withQuotaWarnings(session, seen, plan);
  const before = withGaps(warned, aside);
  const toDo = plan.waits.length + plan.steps.length;
  const planned = approved?.steps ?? plan.steps;
  const record = await openRecord(session, planned, settled.length + toDo);
  if (settings.dryRun === "client" || toDo === 0) {
    return { over: () => record.conclude(before, settled) };
  }
  await requirePermissions(session, plan);
  const ask = settings.dryRun === undefined;
  if (ask && !(await askConsent(session, plan, record.plan(before), deadline, overtaken))) {
    const reasons = [{ code: EXIT.needsPerson, text: "no-consent" }];
    return { over: () => record.conclude(before, settled, reasons) };
  }
  return { before, aside, plan, settled, deadline, record };
}

/** Restarts, and verifies. */
async function act(
  session: RestartSession,
  approved: ApprovedPlan | undefined,
  { before, aside, plan, settled, deadline, record }: Prepared,
): Promise<ExitCode> {
  const { settings, io, progress } = session;
  const consent = consentOf(settings);
  progress.emit({
    type: "planned",
    steps: plan.waits.length + plan.steps.length,
    message: planText(plan, record, deadline, settings),
  });
  if (settings.yes) warn(session, before, plan);
  const run = await runPlan(session, plan, consent, deadline, (soFar) =>
    record.write(before, [...settled, ...soFar]),
  );
  const results = [...settled, ...run.results];
  const unjudged = unjudgedIn(results);
  if (settings.dryRun !== undefined) {
    return record.conclude(withGaps(before, unjudged), results, signalReason(run.signal));
  }
  const read = run.aborted
    ? { signal: run.signal }
    : await untilSignal(io, () => lookAgain(session, consent, before, results, approved));
  if ("signal" in read) {
    const message = "the run was stopped before the cluster was read again";
    const unread = unverified(before, results, "interrupted", message);
    return record.conclude(unread, results, signalReason(read.signal));
  }
  // What else was to be restarted although it is current no fresh read can tell.
  const missed = settings.include.has("current") ? before.gaps : aside;
  const after = withGaps(read.value, [...missed, ...unjudged]);
  const steps = [...plan.waits, ...(approved?.steps ?? plan.steps)];
  const verified = verifyResults(results, steps, after.workloads, after.assessments);
  return record.conclude(after, verified, signalReason(run.signal));
}

/** What was left alone because it could not be read anew: the final look may find nothing amiss. */
function unjudgedIn(results: readonly StepResult[]): readonly Gap[] {
  return results
    .filter(({ code }) => code === "not-read")
    .map(({ ref, message, nextStep: hint }) => {
      const what = `judge ${resourceName(ref)} again`;
      return { what, namespace: ref.namespace, reason: "not-read", message, hint };
    });
}

/** Each gap once, however often it was met. */
function withGaps(seen: ScopeAssessment, gaps: readonly Gap[]): ScopeAssessment {
  const isNew = ({ what, namespace }: Gap) =>
    !seen.gaps.some((gap) => gap.what === what && gap.namespace === namespace);
  return { ...seen, gaps: [...seen.gaps, ...gaps.filter(isNew)] };
}

/** Whoever was not asked is told what there is to know all the same, before it begins. */
function warn(
  { progress }: RestartSession,
  { assessments, notes }: ScopeAssessment,
  plan: Plan,
): void {
  for (const message of notes) progress.emit({ type: "notice", message });
  const planned = new Set(plan.steps.map(({ ref }) => ref.uid));
  const entries = assessments.filter(({ workload }) => planned.has(workload.uid));
  const groups = warningGroups(
    entries.map(({ workload, warnings }) => ({ ...workload, warnings })),
  );
  for (const { message, places } of groups) {
    progress.emit({ type: "notice", message: `warning: ${message}: ${places}` });
  }
}

function consentOf({ allowDowntime, include }: RestartSettings): Consent {
  return {
    downtime: allowDowntime,
    unhealthy: include.has("unhealthy"),
    current: include.has("current"),
  };
}

function planText(
  { steps, waits, leftOut }: Plan,
  { hash }: RunRecord,
  deadline: Date | undefined,
  { dryRun }: RestartSettings,
): string {
  const [what, others] = [count(steps.length, "workload"), count(waits.length, "workload")];
  const doing = dryRun === undefined ? `restarting ${what}` : `trying ${what}, changing nothing`;
  const does = waits.length > 0 && steps.length === 0 ? [] : [doing];
  const waiting = waits.length > 0 ? [`waiting for ${others} restarted before`] : [];
  const left = leftOut.length > 0 ? [`${leftOut.length} left out`] : [];
  const until = deadline === undefined ? [] : [`starting nothing after ${formatLocal(deadline)}`];
  return [...does, ...waiting, ...left, ...until, `plan ${hash}`].join(", ");
}

/** The final pass. Where it fails, the record of what was done must come out all the same. */
async function lookAgain(
  session: RestartSession,
  consent: Consent,
  before: ScopeAssessment,
  results: readonly StepResult[],
  approved: ApprovedPlan | undefined,
): Promise<ScopeAssessment> {
  try {
    // What is left although it could be restarted: is it the proof that kept it from it?
    const seen = await assessScope(
      session,
      consent,
      (found) => found?.verdict === "unknown" || found?.restart.answer === "yes",
    );
    return ofPlan(seen, approved);
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    return unverified(before, results, "unreachable", error.message);
  }
}

function signalReason(signal: "SIGINT" | "SIGTERM" | undefined): readonly ExitReason[] {
  if (signal === undefined) return [];
  return signal === "SIGINT"
    ? [{ code: EXIT.interrupted, text: "interrupted" }]
    : [{ code: EXIT.terminated, text: "terminated" }];
}
