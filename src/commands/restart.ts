import { EXIT, type ExitCode, type ExitReason } from "../exit-codes.ts";
import { CannotRun } from "../errors.ts";
import type { Io } from "../io.ts";
import type { Consent } from "../mesh/restartability.ts";
import type { ResultEntry, StepEntry } from "../report/document.ts";
import { planHash, resultEntry, stepEntry, withFirstPods } from "../report/entries.ts";
import { resultReasons } from "../report/exit-reasons.ts";
import { type Plan, planRestart } from "../rollout/plan.ts";
import type { StepResult } from "../rollout/result.ts";
import { verifyResults } from "../rollout/verification.ts";
import { whoAmI } from "../cluster/write.ts";
import type { RestartSettings } from "../settings.ts";
import { type Look, look } from "./look.ts";
import { findingsOf, finish } from "./report.ts";
import { askConsent, requireConsentRules } from "./restart/consent.ts";
import { requirePermissions } from "./restart/permissions.ts";
import { runPlan } from "./restart/run.ts";
import { type Session, withSession } from "./session.ts";

/** Check, plan, ask, restart at the asked pace, wait, and verify from a fresh read. */
export function restart(settings: RestartSettings, version: string, io: Io): Promise<ExitCode> {
  requireConsentRules(settings, io);
  return withSession(settings, version, io, async (session) => {
    const consent = {
      downtime: settings.allowDowntime,
      unhealthy: settings.include.has("unhealthy"),
      current: settings.include.has("current"),
    };
    const before = await look(session, consent);
    const plan = planRestart(before.assessments, {
      missing: settings.include.has("missing"),
      current: settings.include.has("current"),
    });
    if (settings.dryRun === "client" || plan.steps.length === 0) {
      return conclude(session, plan, before, []);
    }
    await requirePermissions(session, plan);
    if (settings.dryRun === undefined && !(await askConsent(session, plan))) {
      return conclude(session, plan, before, [], [{ code: EXIT.needsPerson, text: "no-consent" }]);
    }
    const run = await runPlan(session, plan, consent);
    if (settings.dryRun !== undefined || run.signal === "SIGTERM" || run.aborted) {
      const stopped: readonly [string, string] = [
        "interrupted",
        "the run was stopped before the cluster was read again",
      ];
      const seen = unverified(before, run.results, stopped);
      return conclude(session, plan, seen, run.results, signalReason(run.signal));
    }
    const after = await lookAgain(session, consent, before, run.results);
    const results = verifyResults(run.results, plan.steps, after.workloads, after.assessments);
    return conclude(session, plan, after, results, signalReason(run.signal));
  });
}

/** The final pass. Where it fails, the record of what was done must come out all the same. */
async function lookAgain(
  session: Session<RestartSettings>,
  consent: Consent,
  before: Look,
  results: readonly StepResult[],
): Promise<Look> {
  try {
    // What is left although it could be restarted: is it the proof that kept it from it?
    return await look(
      session,
      consent,
      (seen) => seen?.verdict === "unknown" || seen?.restart.answer === "yes",
    );
  } catch (error) {
    if (!(error instanceof CannotRun)) throw error;
    return unverified(before, results, ["unreachable", error.message]);
  }
}

/** What was restarted is not known any more, as it could not be read again: a gap says so. */
function unverified(
  before: Look,
  results: readonly StepResult[],
  [reason, message]: readonly [reason: string, message: string],
): Look {
  const touched = new Set(
    results.filter(({ startedAt }) => startedAt !== undefined).map(({ ref }) => ref.uid),
  );
  if (touched.size === 0) return before;
  return {
    ...before,
    assessments: before.assessments.filter(({ workload }) => !touched.has(workload.uid)),
    gaps: [
      ...before.gaps,
      {
        what: "final verification",
        namespace: undefined,
        reason,
        message,
        hint: "see what became of it: istio-upgrade verify",
      },
    ],
  };
}

function signalReason(signal: "SIGINT" | "SIGTERM" | undefined): readonly ExitReason[] {
  if (signal === undefined) return [];
  return signal === "SIGINT"
    ? [{ code: EXIT.interrupted, text: "interrupted" }]
    : [{ code: EXIT.terminated, text: "terminated" }];
}

async function conclude(
  session: Session<RestartSettings>,
  plan: Plan,
  seen: Look,
  results: readonly StepResult[],
  reasons: readonly ExitReason[] = [],
): Promise<ExitCode> {
  const { settings, api } = session;
  const steps: readonly StepEntry[] = plan.steps.map(stepEntry);
  const entries: readonly ResultEntry[] = results.map(resultEntry);
  const findings = findingsOf(session, seen, [...settings.include]);
  return finish(
    session,
    { ...findings, workloads: withFirstPods(findings.workloads, entries) },
    {
      kind: "RestartReport",
      user: (await whoAmI(api)) ?? null,
      reason: settings.reason ?? null,
      dryRun: settings.dryRun ?? null,
      plan: planHash(steps),
      steps,
      results: entries,
    },
    [...resultReasons(results), ...reasons],
  );
}
