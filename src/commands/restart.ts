import { CannotRun, Interrupted, messageOf } from "../errors.ts";
import { EXIT, type ExitCode, type ExitReason } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import type { StepResult } from "../rollout/result.ts";
import { verifyResults } from "../rollout/verification.ts";
import type { RestartSettings } from "../settings.ts";
import type { Gap } from "../snapshot.ts";
import { writeStacks } from "../report/error-stack.ts";
import { assessScope, type ScopeAssessment } from "./assess-scope.ts";
import { announcePlan } from "./restart/announcement.ts";
import { type SignalName, runUntilSignal } from "./restart/interruption.ts";
import { keepPlanned } from "./restart/planning.ts";
import { prepare, type ReadyToRestart, withGaps } from "./restart/preparation.ts";
import { unverified } from "./restart/record.ts";
import { type RestartSession, withRestartSession } from "./restart/restart-session.ts";
import { runPlan } from "./restart/run.ts";

/** Checks, plans, asks, restarts at the given pace, waits, and verifies from a fresh read. */
export function restart(settings: RestartSettings, version: string, io: Io): Promise<ExitCode> {
  return withRestartSession(settings, version, io, async (session) => {
    // From here on a signal never ends the process before the report is written.
    const unsubscribe = io.onSignal(() => undefined);
    try {
      const prepared = await runUntilSignal(io, (abort) => prepare(session, abort));
      if (prepared.kind === "signal") throw new Interrupted(prepared.signal);
      const { value } = prepared;
      return value.kind === "ready"
        ? await runAndVerify(session, value)
        : await value.record.conclude(value.before, value.decided, value.reasons);
    } finally {
      unsubscribe();
    }
  });
}

async function runAndVerify(session: RestartSession, ready: ReadyToRestart): Promise<ExitCode> {
  const { settings, io, approved } = session;
  const { before, decided, record, plan, deadline, quotaGaps } = ready;
  announcePlan(session, ready);
  const run = await runPlan(session, plan, deadline, (soFar) =>
    record.write(before, [...decided, ...soFar]),
  );
  const results = [...decided, ...run.results];
  const unread = reassessmentGaps(results);
  if (settings.dryRun !== undefined) {
    return record.conclude(withGaps(before, unread), results, signalReason(run.signal));
  }
  if (run.failure !== undefined) return concludeFailed(ready, results, run.failure.message);
  if (run.aborted) return concludeUnverified(ready, results, run.signal);
  const read = await runUntilSignal(io, () => assessAgain(session, before, results));
  if (read.kind === "signal") return concludeUnverified(ready, results, read.signal);
  // A fresh read does not show which current workloads the first read missed.
  const missed = settings.consent.current ? before.gaps : quotaGaps;
  const after = withGaps(read.value, [...missed, ...unread]);
  const steps = [...plan.waits, ...(approved?.steps ?? plan.steps)];
  const verified = verifyResults(results, steps, after.workloads, after.assessments);
  return record.conclude(after, verified, signalReason(run.signal));
}

function concludeUnverified(
  { before, record }: ReadyToRestart,
  results: readonly StepResult[],
  signal: SignalName | undefined,
): Promise<ExitCode> {
  const message = "the run was stopped before the final read of the cluster";
  const unread = unverified(before, results, "interrupted", message);
  return record.conclude(unread, results, signalReason(signal));
}

/** Reports what was done before an unexpected error ended the run. */
function concludeFailed(
  { before, record }: ReadyToRestart,
  results: readonly StepResult[],
  problem: string,
): Promise<ExitCode> {
  const message = `the run ended with an unexpected error: ${problem}`;
  const unread = unverified(before, results, "unexpected-error", message);
  return record.conclude(unread, results, [{ code: EXIT.couldNotRun, text: "unexpected-error" }]);
}

/** A workload that could not be reassessed was left alone: the final read may find nothing wrong. */
function reassessmentGaps(results: readonly StepResult[]): readonly Gap[] {
  return results
    .filter(({ code, outcome }) => outcome === "skipped" && NOT_REASSESSED.has(code))
    .map(({ ref, code, message, nextStep: hint }) => ({
      verb: "reassess",
      resource: resourceName(ref),
      namespace: ref.namespace,
      reason: code === "not-read" ? code : "unexpected-error",
      message,
      hint,
    }));
}

/** The codes of workloads that were skipped because they could not be reassessed. */
const NOT_REASSESSED: ReadonlySet<string> = new Set(["not-read", "unexpected-error"]);

/** Assesses the scope for the final report, which lists the results even if that fails. */
async function assessAgain(
  session: RestartSession,
  before: ScopeAssessment,
  results: readonly StepResult[],
): Promise<ScopeAssessment> {
  try {
    // A workload that could be restarted and was not may need a proof to show why.
    const assessed = await assessScope(session, {
      isProofNeeded: (found) => found?.verdict === "unknown" || found?.restart.answer === "yes",
    });
    return keepPlanned(assessed, session.approved);
  } catch (error) {
    if (error instanceof CannotRun) {
      return unverified(before, results, "unreachable", error.message);
    }
    writeStacks(error, session.io);
    return unverified(before, results, "unexpected-error", messageOf(error));
  }
}

function signalReason(signal: SignalName | undefined): readonly ExitReason[] {
  if (signal === undefined) return [];
  return signal === "SIGINT"
    ? [{ code: EXIT.interrupted, text: "interrupted" }]
    : [{ code: EXIT.terminated, text: "terminated" }];
}
