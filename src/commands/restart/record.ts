import { whoAmI } from "../../cluster/write.ts";
import { CannotRun } from "../../errors.ts";
import { EXIT, type ExitCode, type ExitReason } from "../../exit-codes.ts";
import { istioUpgrade, sentence } from "../../next-step.ts";
import type { RestartReport } from "../../report/document.ts";
import {
  planHash,
  resultEntry,
  stepEntry,
  withFirstPods,
  workloadEntry,
} from "../../report/entries.ts";
import { resultReasons } from "../../report/exit-reasons.ts";
import type { Step } from "../../rollout/step.ts";
import type { StepResult } from "../../rollout/result.ts";
import { includedBy, type RestartSettings } from "../../settings.ts";
import type { Gap } from "../../snapshot.ts";
import type { ScopeAssessment } from "../assess-scope.ts";
import { reportBody, publishReport, documentHead, completeReport } from "../report.ts";
import type { Session } from "../session.ts";

/** The record of one run for a change ticket: the user, the reason, the plan and the results. */
export interface RunRecord {
  /** The hash of the plan: `sha256:...`. */
  readonly hash: string;
  /** Returns the plan as a document, as a dry run prints it. */
  plan(assessed: ScopeAssessment): RestartReport;
  /** Writes an interim report if `--report-file` was given. */
  write(before: ScopeAssessment, soFar: readonly StepResult[]): Promise<void>;
  /** Prints the final report, and writes it to the report file. */
  conclude(
    assessed: ScopeAssessment,
    results: readonly StepResult[],
    reasons?: readonly ExitReason[],
  ): Promise<ExitCode>;
}

/**
 * Creates the record of a run, with the name by which the API server knows the user.
 *
 * @param expected the number of results that the run will have.
 */
export async function createRecord(
  session: Session<RestartSettings>,
  planned: readonly Step[],
  expected: number,
): Promise<RunRecord> {
  const { settings, api } = session;
  const steps = planned.map(stepEntry);
  const own = {
    kind: "RestartReport",
    user: (await whoAmI(api)) ?? null,
    reason: settings.reason ?? null,
    dryRun: settings.dryRun ?? null,
    allowDowntime: settings.consent.downtime,
    plan: planHash({
      cluster: documentHead(session).cluster,
      scope: { include: includedBy(settings.consent) },
      allowDowntime: settings.consent.downtime,
      steps,
    }),
    steps,
  } as const;

  function content(assessed: ScopeAssessment, results: readonly StepResult[]) {
    const entries = results.map((result) => resultEntry(result, session.formatStep));
    const survey = {
      ...assessed,
      entries: assessed.assessments.map((found) => workloadEntry(found, session.formatStep)),
    };
    const body = reportBody(session, survey);
    const workloads = withFirstPods(body.workloads, entries);
    return [
      { ...body, workloads },
      { ...own, results: entries },
    ] as const;
  }

  return {
    hash: own.plan,
    plan: (assessed) => {
      const [body, rest] = content(assessed, []);
      return {
        ...completeReport(session, body, { ...rest, dryRun: "client" }, []),
        nextStep: "",
      };
    },
    write: async (before, soFar) => {
      if (settings.display.reportFile === undefined) return;
      const unfinished =
        "the run is still in progress: workloads without a result are rolling or waiting";
      const [body, rest] = content(unverified(before, soFar, "unfinished", unfinished), soFar);
      const left = { code: EXIT.outOfTime, text: `unfinished:${expected - soFar.length}` };
      const report = completeReport(session, body, rest, [...resultReasons(soFar), left]);
      try {
        await session.reportFile.write(report);
      } catch (error) {
        // A failed write must not end the run; the next result tries again.
        if (!(error instanceof CannotRun)) throw error;
        session.progress.emit({ type: "notice", message: error.message });
      }
    },
    conclude: async (assessed, results, reasons = []) => {
      const [body, rest] = content(assessed, results);
      return publishReport(session, body, rest, [...resultReasons(results), ...reasons]);
    },
  };
}

/** Outcomes of workloads whose rollout this run did not necessarily start. */
const ROLLED: ReadonlySet<StepResult["outcome"]> = new Set(["waited", "timed-out"]);

/** Replaces the assessments of workloads that rolled by a gap, because they were not read again. */
export function unverified(
  before: ScopeAssessment,
  results: readonly StepResult[],
  reason: Gap["reason"],
  message: string,
): ScopeAssessment {
  const touched = new Set(
    results
      .filter(({ startedAt, outcome }) => startedAt !== undefined || ROLLED.has(outcome))
      .map(({ ref }) => ref.uid),
  );
  if (touched.size === 0) return before;
  const hint = sentence`check the result: ${istioUpgrade("verify")}`;
  return {
    ...before,
    assessments: before.assessments.filter(({ workload }) => !touched.has(workload.uid)),
    gaps: [
      ...before.gaps,
      {
        verb: "verify",
        resource: "restarted workloads",
        namespace: undefined,
        reason,
        message,
        hint,
      },
    ],
  };
}
