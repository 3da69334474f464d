import { CannotRun, Interrupted, messageOf } from "../errors.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import type { StepResult } from "../rollout/result.ts";
import { loginStep } from "../rollout/stop.ts";
import { lostElsewhere, verifyResults } from "../rollout/verification.ts";
import type { Wave } from "../rollout/waves.ts";
import type { RestartSettings } from "../settings.ts";
import type { Gap } from "../snapshot.ts";
import { writeStacks } from "../report/error-stack.ts";
import { assessScope, type ScopeAssessment } from "./assess-scope.ts";
import {
  conclude,
  concludeFailed,
  concludeLoggedOut,
  concludeUnverified,
  namespacesOf,
  signalReason,
} from "./restart/conclusion.ts";
import { announcePlan } from "./restart/announcement.ts";
import { type SignalName, runUntilSignal } from "./restart/interruption.ts";
import { keepPlanned } from "./restart/planning.ts";
import { pendingNames } from "./move/label-notice.ts";
import { createNotices } from "./restart/notices.ts";
import {
  prepare,
  type Preparation,
  type ReadyToRestart,
  type ReportOnly,
  withGaps,
} from "./restart/preparation.ts";
import { type RunRecord, unverified } from "./restart/record.ts";
import { withLease } from "./restart/run-lease.ts";
import { type RestartSession, withRestartSession } from "./restart/restart-session.ts";
import { type Run, runPlan } from "./restart/run.ts";
import type { WavesOfRun } from "./restart/wave-tasks.ts";

/** Checks, plans, asks, restarts at the given pace, waits, and verifies from a fresh read. */
export function restart(settings: RestartSettings, version: string, io: Io): Promise<ExitCode> {
  return withRestartSession(settings, version, io, (session) => act(session, async () => session));
}

/**
 * Plans, asks, acts and verifies in an open session.
 *
 * @param begin returns the session to act in. It changes nothing, and the signal ends it.
 */
export async function act<Opened extends RestartSession>(
  opened: Opened,
  begin: (abort: AbortSignal) => Promise<RestartSession>,
): Promise<ExitCode> {
  const { io } = opened;
  // From here on a signal never ends the process before the report is written.
  const unsubscribe = io.onSignal(() => opened.reportFile.hurry());
  try {
    const prepared = await runUntilSignal(io, async (abort) => {
      const session = await begin(abort);
      return { session, preparation: await prepare(session, abort) };
    });
    if (prepared.kind === "signal") throw new Interrupted(prepared.signal);
    const { preparation } = prepared.value;
    const session = withNotices(prepared.value.session, preparation);
    switch (preparation.kind) {
      case "ready":
        return await withLease(session, preparation, runAndVerify);
      case "declined":
        return await preparation.record.decline(preparation.before, preparation.decided);
      case "refused":
        return await preparation.record.conclude(preparation.before, preparation.decided);
      case "report":
        return await concludeWithoutRun(session, preparation);
    }
  } finally {
    unsubscribe();
  }
}

/** Adds the Events of a run. There are none about a plan that nobody agreed to, or in a dry run. */
function withNotices(session: RestartSession, preparation: Preparation): RestartSession {
  const { settings } = session;
  const isRun = preparation.kind === "ready" || preparation.kind === "report";
  if (!settings.events || settings.dryRun !== undefined || !isRun) return session;
  const waits = preparation.kind === "ready" ? preparation.plan.waits : [];
  const awaited = new Set(waits.map(({ ref }) => ref.uid));
  return { ...session, notices: createNotices(session, preparation.record.user, awaited) };
}

/** Reports a plan that is not carried out. An approved plan shows which sidecars there were. */
function concludeWithoutRun(
  session: RestartSession,
  { before, decided, record }: ReportOnly,
): Promise<ExitCode> {
  const { workloads, assessments } = before;
  const planned = session.approved?.steps ?? [];
  const results = verifyResults(decided, planned, workloads, assessments);
  return conclude(session, record, { assessed: before, results, owned: assessments });
}

async function runAndVerify(session: RestartSession, ready: ReadyToRestart): Promise<ExitCode> {
  const { settings, io, approved } = session;
  const { before, decided, record, plan, waves, deadline, quotaGaps } = ready;
  // A run that is killed leaves its record.
  const begun = await runUntilSignal(io, () => record.begin(before, decided));
  if (begun.kind === "signal") throw new Interrupted(begun.signal);
  announcePlan(session, ready);
  const run = await runPlan(
    session,
    plan,
    deadline,
    (soFar, checked) => {
      record.noteChecks(checked);
      record.update(before, [...decided, ...soFar]);
    },
    wavesOf(session, waves),
  );
  record.noteChecks(run.checked);
  const signal = (await finishMove(session, run)) ?? run.signal;
  noteLoss(session, record);
  const results = [...decided, ...run.results];
  const unread = reassessmentGaps(results);
  if (settings.dryRun !== undefined) {
    return record.conclude(withGaps(before, unread), results, signalReason(signal));
  }
  if (run.failure !== undefined) {
    return concludeFailed(session, ready, results, run.failure.message);
  }
  if (run.loginLost !== undefined) {
    return concludeLoggedOut(session, ready, results, run.loginLost);
  }
  if (run.aborted || signal === "SIGTERM") {
    return concludeUnverified(session, ready, results, signal);
  }
  const read = await runUntilSignal(io, () => assessAgain(session, before, results));
  if (read.kind === "signal") return concludeUnverified(session, ready, results, read.signal);
  // A fresh read does not show which current workloads the first read missed.
  const { current, drifted } = settings.consent;
  const missed = current || drifted ? before.gaps : quotaGaps;
  const after = withGaps(read.value, [...missed, ...unread]);
  const steps = [...plan.waits, ...(approved?.steps ?? plan.steps)];
  const verified = verifyResults(results, steps, after.workloads, after.assessments);
  const lost = lostElsewhere(before.assessments, after.workloads, results, io.now());
  return conclude(session, record, {
    assessed: after,
    results: [...verified, ...lost],
    reasons: signalReason(signal),
    owned: signal === undefined ? after.assessments : [],
  });
}

/** Notes the loss of the lease before the run had ended. After that, nothing is changed any more. */
function noteLoss({ lease }: RestartSession, record: RunRecord): void {
  const loss = lease?.loss();
  if (lease === undefined || loss === undefined) return;
  const holder = loss.kind === "taken" ? loss.lease.holder : "";
  record.noteLease({ ...lease.place, holder, outcome: "lost" });
}

/** Returns the waves of a run. A dry run neither soaks nor asks a gate. */
function wavesOf(
  { settings: { waves: pace, dryRun }, gate }: RestartSession,
  waves: readonly Wave[],
): WavesOfRun | undefined {
  if (pace === undefined || dryRun !== undefined) return undefined;
  const { soak, gateTimeout: timeout } = pace;
  return { waves, soak, gate: gate && { ...gate, timeout } };
}

/**
 * Labels the namespaces in which nothing was to be restarted; after a stop or a signal, none.
 *
 * @returns the signal that came meanwhile.
 */
async function finishMove(
  { move, settings, io, progress, lease }: RestartSession,
  run: Run,
): Promise<SignalName | undefined> {
  if (move === undefined) return undefined;
  let signal: SignalName | undefined;
  const abort = new AbortController();
  const unsubscribe = io.onSignal((name) => {
    signal = name;
    abort.abort();
    progress.emit({ type: "notice", message: "interrupted: no more labels" });
  });
  const stopReason = () => {
    if (signal !== undefined) return "interrupted";
    return lease?.loss() === undefined ? undefined : "lease-lost";
  };
  const isOver = run.stopped !== undefined || run.aborted || run.failure !== undefined;
  try {
    for (const name of isOver ? [] : pendingNames(move)) {
      await move.label(name, { stopReason, abort: abort.signal });
    }
  } finally {
    unsubscribe();
  }
  if (settings.dryRun !== undefined) return signal;
  for (const namespace of move.all()) {
    if (namespace.outcome !== "planned") continue;
    const { code, message } = namespace;
    const known = code === "" ? {} : { code, message };
    move.set({ ...namespace, ...NOT_LABELLED, ...known });
  }
  return signal;
}

const NOT_LABELLED = {
  outcome: "not-labelled",
  code: "not-labelled",
  message: "the run ended before its turn",
} as const;

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
      mayBeGone: true,
      // Without drift, it is unknown which workloads were left alone for it.
      showsDrift: session.settings.consent.onlySidecar,
      isProofNeeded: (found) => found?.verdict === "unknown" || found?.restart.answer === "yes",
    });
    return keepPlanned(assessed, session.approved);
  } catch (error) {
    if (error instanceof CannotRun) {
      const isLoggedOut = error.code === "unauthorized";
      return isLoggedOut
        ? unverified(before, results, error.code, error.message, loginStep(namespacesOf(results)))
        : unverified(before, results, "unreachable", error.message);
    }
    writeStacks(error, session.io);
    return unverified(before, results, "unexpected-error", messageOf(error));
  }
}
