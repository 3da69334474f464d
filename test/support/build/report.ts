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
  workloadEntry,
} from "../../../src/report/entries.ts";
import type { Style } from "../../../src/report/style.ts";
import type { Step } from "../../../src/rollout/step.ts";
import type { StepResult } from "../../../src/rollout/result.ts";
import type { Gap } from "../../../src/snapshot.ts";
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
}

export function checkReport(options: ReportOptions = {}): CheckReport {
  const { assessments = [], gaps = [], nextStep = "", exitCode = 0 } = options;
  if (gaps.length > 0 && exitCode === 0)
    throw new Error("an incomplete report cannot have the exit code 0");
  const workloads = assessments.map((assessment) => workloadEntry(assessment, formatStep));
  return {
    ...HEAD,
    kind: "CheckReport",
    scope: {
      namespaces: null,
      workloads: [],
      selector: null,
      revision: null,
      exclude: [],
      include: [],
    },
    complete: gaps.length === 0 && workloads.every(({ verdict }) => verdict !== "unknown"),
    gaps: gaps.map((gap) => gapEntry(gap, formatStep)),
    notes: [],
    targets: targetEntries(meshOf()),
    workloads,
    summary: summaryEntry(workloads),
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
    plan: `sha256:${"ab".repeat(32)}`,
    steps: results.map((result) => stepEntry(stepOf(result))),
    results: dryRun === "client" ? [] : results.map((result) => resultEntry(result, formatStep)),
  };
}
