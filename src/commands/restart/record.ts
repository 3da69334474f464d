import { whoAmI } from "../../cluster/write.ts";
import { EXIT, type ExitCode, type ExitReason } from "../../exit-codes.ts";
import { type Command, istioUpgrade, type NextStep, sentence } from "../../next-step.ts";
import type { LeaseEntry, RestartReport } from "../../report/document.ts";
import {
  planHash,
  resultEntry,
  stepEntry,
  withFirstPods,
  withLabels,
  workloadEntry,
} from "../../report/entries.ts";
import type { Assessment } from "../../mesh/assessment.ts";
import { leaseReasons, moveReasons, resultReasons } from "../../report/exit-reasons.ts";
import { createLabelling, createStepLabelling } from "../../report/workload-labels.ts";
import { paceEntry, waveEntries, waveReasons } from "../../report/waves.ts";
import type { StepFormatter } from "../../report/next-step-text.ts";
import { moveStep } from "../../rollout/move-step.ts";
import type { Step } from "../../rollout/step.ts";
import type { StepResult } from "../../rollout/result.ts";
import { withRejections } from "../../rollout/verification.ts";
import type { WaveChecked } from "../../rollout/wave-result.ts";
import type { Wave } from "../../rollout/waves.ts";
import { includedBy, type RestartSettings } from "../../settings.ts";
import type { Gap, WorkloadRef } from "../../snapshot.ts";
import type { ScopeAssessment } from "../assess-scope.ts";
import { reportBody, publishReport, documentHead, completeReport } from "../report.ts";
import type { Session } from "../session.ts";
import { moveFields, type MoveFields, moveReasonsOf } from "../move/move-fields.ts";
import type { RestartSession } from "./restart-session.ts";

/** The record of one run for a change ticket: the user, the reason, the plan and the results. */
export interface RunRecord {
  /** The hash of the plan: `sha256:...`. */
  readonly hash: string;
  /** The user's name according to the API server; `undefined` if it does not say it. */
  readonly user: string | undefined;
  /** Returns the plan as a document, as a dry run prints it. */
  plan(assessed: ScopeAssessment): RestartReport;
  /**
   * Writes the first report, before anything is restarted, if `--report-file` was given.
   *
   * @throws CannotRun if it cannot be written.
   */
  begin(before: ScopeAssessment, decided: readonly StepResult[]): Promise<void>;
  /** Writes an interim report, without waiting. */
  update(before: ScopeAssessment, soFar: readonly StepResult[]): void;
  /** Notes the checks of the waves so far, for all later reports. */
  noteChecks(checked: ReadonlyMap<number, WaveChecked>): void;
  /** Notes the state of the lease, for all later reports. */
  noteLease(lease: LeaseEntry): void;
  /** Prints the final report, and writes it to the report file. */
  conclude(
    assessed: ScopeAssessment,
    results: readonly StepResult[],
    reasons?: readonly ExitReason[],
  ): Promise<ExitCode>;
  /** Says that nothing was restarted. Only a script gets a report: a person has just read the plan. */
  decline(assessed: ScopeAssessment, results: readonly StepResult[]): Promise<ExitCode>;
}

/**
 * Creates the record of a run, with the name by which the API server knows the user.
 *
 * @param expected the number of results that the run will have.
 * @param waves the waves of the plan; empty without waves.
 * @param read the workloads before the run, whose labels may be shown.
 */
export async function createRecord(
  session: Session<RestartSettings> & Pick<RestartSession, "move">,
  planned: readonly Step[],
  expected: number,
  waves: readonly Wave[],
  read: Pick<ScopeAssessment, "workloads" | "namespaces">,
): Promise<RunRecord> {
  const { settings, api, move } = session;
  const labelsOf = createStepLabelling(settings.grouping, read);
  const steps = planned.map((step) => withLabels(stepEntry(step), labelsOf(step.ref)));
  const inPlace = settings.inPlace ? { inPlace: { pull: settings.pull } } : {};
  const own = {
    kind: "RestartReport",
    user: (await whoAmI(api)) ?? null,
    reason: settings.reason ?? null,
    dryRun: settings.dryRun ?? null,
    allowDowntime: settings.consent.downtime,
    allowRevisions: settings.allowRevisions,
    plan: planHash({
      cluster: documentHead(session).cluster,
      scope: { include: includedBy(settings.consent) },
      allowDowntime: settings.consent.downtime,
      steps,
      ...inPlace,
      ...(move && moveFields(session, move, undefined, [])),
    }),
    steps,
    pace: settings.waves === undefined ? null : paceEntry(settings.waves),
    ...inPlace,
  } as const;
  let checks: ReadonlyMap<number, WaveChecked> = new Map();
  let lease: LeaseEntry | undefined;

  function ofMove(
    assessed: ScopeAssessment | undefined,
    results: readonly StepResult[],
  ): MoveFields | undefined {
    return move && moveFields(session, move, assessed, results);
  }

  /** As long as a namespace is to be labelled, a restart leads nowhere else. */
  function formatterFor({ workload: { namespace } }: Assessment): StepFormatter {
    if (move?.isPending(namespace) !== true) return session.formatStep;
    return (step) => session.formatStep(moveStep(step, namespace, move.target.label));
  }

  function content(assessed: ScopeAssessment, results: readonly StepResult[]) {
    const entries = results.map((result) =>
      withLabels(resultEntry(result, session.formatStep), labelsOf(result.ref)),
    );
    const assessments = withRejections(assessed.assessments, results);
    const labelling = createLabelling(settings.grouping, assessed.namespaces);
    const survey = {
      ...assessed,
      entries: assessments.map((found) =>
        withLabels(workloadEntry(found, formatterFor(found)), labelling(found.workload)),
      ),
    };
    const body = reportBody(session, survey, { steps, results: entries });
    const workloads = withFirstPods(body.workloads, entries);
    return [
      { ...body, workloads },
      {
        ...own,
        ...(lease && { lease }),
        results: entries,
        ...ofMove(assessed, results),
        waves: waveEntries(waves, results, checks, session.formatStep),
      },
    ] as const;
  }

  function conclude(
    assessed: ScopeAssessment,
    results: readonly StepResult[],
    reasons: readonly ExitReason[],
    isShown: boolean,
  ) {
    const [body, rest] = content(assessed, results);
    const moves = settings.dryRun === undefined ? moveReasons(body.workloads) : [];
    const ofNamespaces = moveReasonsOf(rest.namespaces ?? []);
    const all = [
      ...waveReasons(checks),
      ...resultReasons(results),
      ...leaseReasons(lease),
      ...reasons,
      ...ofNamespaces,
      ...moves,
    ];
    return publishReport(session, body, rest, all, isShown);
  }

  const hasFile = settings.display.reportFiles.length > 0;

  function interim(before: ScopeAssessment, soFar: readonly StepResult[]): RestartReport {
    const unfinished =
      "the run is still in progress: workloads without a result are rolling or waiting";
    const [body, rest] = content(unverified(before, soFar, "unfinished", unfinished), soFar);
    const left = { code: EXIT.outOfTime, text: `unfinished:${expected - soFar.length}` };
    const reasons = [...waveReasons(checks), ...resultReasons(soFar), left];
    return completeReport(session, body, rest, reasons);
  }

  return {
    hash: own.plan,
    user: own.user ?? undefined,
    plan: (assessed) => {
      const [body, rest] = content(assessed, []);
      return {
        ...completeReport(session, body, { ...rest, dryRun: "client" }, []),
        nextStep: "",
      };
    },
    begin: async (before, decided) => {
      if (hasFile) await session.reportFile.begin(interim(before, decided));
    },
    noteChecks: (checked) => {
      checks = new Map(checked);
    },
    noteLease: (noted) => {
      lease = noted;
    },
    update: (before, soFar) => {
      if (!hasFile) return;
      // A failed write must not end the run; the next result tries again.
      session.reportFile.update(interim(before, soFar), (message) =>
        session.progress.emit({ type: "notice", message }),
      );
    },
    conclude: (assessed, results, reasons = []) => conclude(assessed, results, reasons, true),
    decline: (assessed, results) => {
      session.progress.stop();
      session.io.stderr.write(
        move === undefined ? "Nothing was restarted.\n" : "Nothing was changed.\n",
      );
      const reasons = [{ code: EXIT.needsPerson, text: "no-consent" }];
      return conclude(assessed, results, reasons, !FOR_PEOPLE.has(settings.display.output));
    },
  };
}

/** The formats of reports that people read on a terminal. */
const FOR_PEOPLE: ReadonlySet<string> = new Set(["table", "wide"]);

/** Outcomes of workloads whose rollout this run did not necessarily start. */
const ROLLED: ReadonlySet<StepResult["outcome"]> = new Set([
  "waited",
  "timed-out",
  "still-rolling",
]);

/** Returns the command that waits for the rollouts of some workloads, and verifies them. */
function verifyCommand(refs: readonly WorkloadRef[]): Command {
  const namespaces = [...new Set(refs.map(({ namespace }) => namespace))].sort();
  return namespaces.length === 0
    ? istioUpgrade("verify")
    : istioUpgrade("verify", "--namespace", namespaces.join(","), "--wait", "10m");
}

/** Replaces the assessments of workloads that rolled by a gap, because they were not read again. */
export function unverified(
  before: ScopeAssessment,
  results: readonly StepResult[],
  reason: Gap["reason"],
  message: string,
  hint?: NextStep,
): ScopeAssessment {
  const refs = results
    .filter(({ startedAt, outcome }) => startedAt !== undefined || ROLLED.has(outcome))
    .map(({ ref }) => ref);
  const touched = new Set(refs.map(({ uid }) => uid));
  if (touched.size === 0 && reason !== "unfinished") return before;
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
        hint: hint ?? sentence`check the result: ${verifyCommand(refs)}`,
      },
    ],
  };
}
