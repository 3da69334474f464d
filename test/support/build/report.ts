import type { ExitCode } from "../../../src/exit-codes.ts";
import type { Assessment } from "../../../src/mesh/assessment.ts";
import type {
  CheckReport,
  DocumentHead,
  RestartReport,
  VerifyReport,
} from "../../../src/report/document.ts";
import {
  gapEntry,
  resultEntry,
  stepEntry,
  summaryEntry,
  targetEntries,
  withLabels,
  workloadEntry,
} from "../../../src/report/entries.ts";
import { groupFields } from "../../../src/report/workload-groups.ts";
import { createLabelling } from "../../../src/report/workload-labels.ts";
import type { GroupingSettings } from "../../../src/grouping.ts";
import { isoDuration } from "../../../src/report/iso-duration.ts";
import type { Style } from "../../../src/report/style.ts";
import type { Step } from "../../../src/rollout/step.ts";
import type { StepResult } from "../../../src/rollout/result.ts";
import type { Gap, Namespace } from "../../../src/snapshot.ts";
import { meshOf } from "./assessment.ts";
import { formatStep } from "./next-step.ts";

/** The style of a file: no colour and no line width. */
export const PLAIN: Style = {
  bold: (text) => text,
  dim: (text) => text,
  good: (text) => text,
  warn: (text) => text,
  bad: (text) => text,
  width: undefined,
  headers: true,
};

/** The style of a terminal of 80 columns, without colour. */
export const PLAIN_80: Style = { ...PLAIN, width: 80 };

export const HEAD: DocumentHead = {
  apiVersion: "istio-upgrade/v1",
  generatedAt: "2026-11-22T20:00:00.000Z",
  version: "1.0.0",
  cluster: {
    context: "prod",
    server: "https://prod.example:6443",
    istioNamespace: "aks-istio-system",
  },
};

interface ReportOptions {
  readonly assessments?: readonly Assessment[];
  readonly gaps?: readonly Gap[];
  readonly nextStep?: string;
  readonly exitCode?: ExitCode;
  /** The value of `--max-age`, in seconds. */
  readonly maxAge?: number;
  /** The values of `--group-by` and `--label-columns`. */
  readonly grouping?: GroupingSettings;
  /** The namespaces with their labels, if these matter. */
  readonly places?: readonly Namespace[];
}

const NO_GROUPING: GroupingSettings = { groupBy: undefined, labelColumns: [] };

export function checkReport(options: ReportOptions = {}): CheckReport {
  const { assessments = [], gaps = [], nextStep = "", exitCode = 0, maxAge } = options;
  const { grouping = NO_GROUPING, places = [] } = options;
  if (gaps.length > 0 && exitCode === 0)
    throw new Error("an incomplete report cannot have the exit code 0");
  const labelling = createLabelling(grouping, new Map(places.map((place) => [place.name, place])));
  const workloads = assessments.map((assessment) =>
    withLabels(workloadEntry(assessment, formatStep, maxAge), labelling(assessment.workload)),
  );
  return {
    ...HEAD,
    kind: "CheckReport",
    scope: {
      namespaces: null,
      namespaceSelector: null,
      workloads: [],
      selector: null,
      revision: null,
      exclude: [],
      include: [],
    },
    ...(maxAge === undefined ? {} : { maxAge: isoDuration(maxAge) }),
    complete: gaps.length === 0 && workloads.every(({ verdict }) => verdict !== "unknown"),
    gaps: gaps.map((gap) => gapEntry(gap, formatStep)),
    notes: [],
    targets: targetEntries(meshOf()),
    workloads,
    summary: summaryEntry(workloads),
    ...groupFields(grouping, workloads),
    nextStep,
    exitCode,
    exitReasons: [],
  };
}

export function verifyReport(options: ReportOptions = {}): VerifyReport {
  return { ...checkReport(options), kind: "VerifyReport" };
}

/** Returns the planned step of a result. */
function stepOf({ ref, from, to }: StepResult): Step {
  return {
    ref,
    verdict: "outdated",
    from,
    to,
    hadSidecar: true,
    podsAtOnce: 1,
    template: undefined,
    restartedAt: undefined,
  };
}

export function restartReport(
  results: readonly StepResult[],
  options: ReportOptions & { readonly dryRun?: "client" | "server" } = {},
): RestartReport {
  const dryRun = options.dryRun ?? null;
  const done = results.some(({ outcome }) => outcome === "restarted");
  if (dryRun !== null && done) throw new Error("a dry run has no restarted workloads");
  return {
    ...checkReport(options),
    kind: "RestartReport",
    user: "jane",
    reason: null,
    dryRun,
    allowDowntime: false,
    allowRevisions: [],
    plan: `sha256:${"ab".repeat(32)}`,
    steps: results.map((result) => stepEntry(stepOf(result))),
    pace: null,
    waves: [],
    results: dryRun === "client" ? [] : results.map((result) => resultEntry(result, formatStep)),
  };
}
