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

/** The record of one run for a change ticket: who, why, what was planned, what became of it. */
export interface RunRecord {
  /** Of the plan: `sha256:...`. */
  readonly hash: string;
  /** The plan as a document: the same that a dry run prints. */
  plan(seen: ScopeAssessment): RestartReport;
  /** Writes down, with `--report-file`, how far the run is. */
  write(before: ScopeAssessment, soFar: readonly StepResult[]): Promise<void>;
  /** Closes the record and prints it. */
  conclude(
    seen: ScopeAssessment,
    results: readonly StepResult[],
    reasons?: readonly ExitReason[],
  ): Promise<ExitCode>;
}

/** @param expected results that the run has in the end. */
export async function openRecord(
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

  function content(seen: ScopeAssessment, results: readonly StepResult[]) {
    const entries = results.map((result) => resultEntry(result, session.formatStep));
    const survey = {
      ...seen,
      entries: seen.assessments.map((found) => workloadEntry(found, session.formatStep)),
    };
    const findings = reportBody(session, survey);
    const workloads = withFirstPods(findings.workloads, entries);
    return [
      { ...findings, workloads },
      { ...own, results: entries },
    ] as const;
  }

  return {
    hash: own.plan,
    plan: (seen) => {
      const [findings, rest] = content(seen, []);
      return {
        ...completeReport(session, findings, { ...rest, dryRun: "client" }, []),
        nextStep: "",
      };
    },
    write: async (before, soFar) => {
      if (settings.display.reportFile === undefined) return;
      const goesOn = "the run goes on: what has no result yet rolls, or waits";
      const [findings, rest] = content(unverified(before, soFar, "unfinished", goesOn), soFar);
      const left = { code: EXIT.outOfTime, text: `unfinished:${expected - soFar.length}` };
      const report = completeReport(session, findings, rest, [...resultReasons(soFar), left]);
      try {
        await session.reportFile.write(report);
      } catch (error) {
        // The run is worth more than its record, which is tried again after every workload.
        if (!(error instanceof CannotRun)) throw error;
        session.progress.emit({ type: "notice", message: error.message });
      }
    },
    conclude: async (seen, results, reasons = []) => {
      const [findings, rest] = content(seen, results);
      return publishReport(session, findings, rest, [...resultReasons(results), ...reasons]);
    },
  };
}

/** Outcomes of what rolled, whoever started it. */
const ROLLED: ReadonlySet<StepResult["outcome"]> = new Set(["waited", "timed-out"]);

/** What rolled is not known any more where it was not read again: a gap says so. */
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
  const hint = sentence`see what became of it: ${istioUpgrade("verify")}`;
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
