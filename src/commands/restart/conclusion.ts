import { EXIT, type ExitCode, type ExitReason } from "../../exit-codes.ts";
import type { Assessment } from "../../mesh/assessment.ts";
import type { StepResult } from "../../rollout/result.ts";
import { loginStep } from "../../rollout/stop.ts";
import { withRejections } from "../../rollout/verification.ts";
import type { ScopeAssessment } from "../assess-scope.ts";
import { runUntilSignal, type SignalName } from "./interruption.ts";
import { type ReadyToRestart, withGaps } from "./preparation.ts";
import { type RunRecord, unverified } from "./record.ts";
import type { RestartSession } from "./restart-session.ts";

/** The end of a run. */
interface Conclusion {
  readonly assessed: ScopeAssessment;
  readonly results: readonly StepResult[];
  /** The reasons against exit code 0 besides the results. */
  readonly reasons?: readonly ExitReason[];
  /** The assessments whose owners get an Event; absent if the report must not wait for them. */
  readonly owned?: readonly Assessment[];
  /** The milliseconds that the report waits for Events; absent for as long as they take. */
  readonly patience?: number;
}

/** Ends the Events of a run, and prints its report, which names those that could not be written. */
export async function conclude(
  { notices, io }: RestartSession,
  record: RunRecord,
  { assessed, results, reasons = [], owned = [], patience }: Conclusion,
): Promise<ExitCode> {
  if (notices === undefined) return record.conclude(assessed, results, reasons);
  const closed = await runUntilSignal(io, async (abort) => {
    const [end, late] = [new AbortController(), new AbortController()];
    const until = AbortSignal.any([abort, end.signal]);
    if (patience !== undefined) void io.sleep(patience, until).then(() => late.abort());
    const settled = withRejections(owned, results);
    await notices.close(results, settled, AbortSignal.any([abort, late.signal]));
    end.abort();
  });
  const { gaps, reasons: ofEvents } = notices.unwritten();
  const signal = closed.kind === "signal" ? signalReason(closed.signal) : [];
  const known = new Set(reasons.map(({ text }) => text));
  const all = [...reasons, ...ofEvents, ...signal.filter(({ text }) => !known.has(text))];
  return record.conclude(withGaps(assessed, gaps), results, all);
}

/** Milliseconds for the Events of a run that was stopped, or that failed. */
const LAST_EVENTS = 2000;

/** Reports what was done until the run was stopped. */
export function concludeUnverified(
  session: RestartSession,
  { before, record }: ReadyToRestart,
  results: readonly StepResult[],
  signal: SignalName | undefined,
): Promise<ExitCode> {
  const message = "the run was stopped before the final read of the cluster";
  const unread = unverified(before, results, "interrupted", message);
  const reasons = signalReason(signal);
  return conclude(session, record, { assessed: unread, results, reasons, patience: LAST_EVENTS });
}

/** Reports what was done until the API server no longer accepted the login. */
export function concludeLoggedOut(
  session: RestartSession,
  { before, record }: ReadyToRestart,
  results: readonly StepResult[],
  problem: string,
): Promise<ExitCode> {
  const hint = loginStep(namespacesOf(results));
  const unread = unverified(before, results, "unauthorized", problem, hint);
  return conclude(session, record, { assessed: unread, results, patience: 0 });
}

/** Reports what was done before an unexpected error ended the run. */
export function concludeFailed(
  session: RestartSession,
  { before, record }: ReadyToRestart,
  results: readonly StepResult[],
  problem: string,
): Promise<ExitCode> {
  const message = `the run ended with an unexpected error: ${problem}`;
  const unread = unverified(before, results, "unexpected-error", message);
  const reasons = [{ code: EXIT.couldNotRun, text: "unexpected-error" }];
  return conclude(session, record, { assessed: unread, results, reasons, patience: LAST_EVENTS });
}

/** Returns the namespaces of workloads, as the next step after a lost login names them. */
export function namespacesOf(results: readonly StepResult[]): readonly string[] {
  return results.map(({ ref }) => ref.namespace);
}

/** Returns the reason against exit code 0 that a signal is. */
export function signalReason(signal: SignalName | undefined): readonly ExitReason[] {
  if (signal === undefined) return [];
  return signal === "SIGINT"
    ? [{ code: EXIT.interrupted, text: "interrupted" }]
    : [{ code: EXIT.terminated, text: "terminated" }];
}
