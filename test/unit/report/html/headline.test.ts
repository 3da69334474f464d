import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type {
  CheckReport,
  ErrorDocument,
  Report,
  RestartReport,
} from "../../../../src/report/document.ts";
import { clusterOutcome } from "../../../../src/report/html/cluster-outcome.ts";
import { restartHeadline, sidecarHeadline } from "../../../../src/report/html/headline.ts";
import { VERDICTS } from "../../../../src/mesh/verdict.ts";
import { aged, assessmentOf } from "../../../support/build/assessment.ts";
import { proxyImage, sidecars } from "../../../support/build/pod-group.ts";
import { checkReport, restartReport, verifyReport } from "../../../support/build/report.ts";
import { someResult } from "../../../support/build/step.ts";
import { deployment } from "../../../support/build/workload.ts";

const [NEW, OLD] = [proxyImage("v1.27.9-6"), proxyImage("v1.27.7-1")];
const current = assessmentOf(deployment("api", { pods: [sidecars(2, NEW)] }));
const unready = assessmentOf(deployment("api", { pods: [sidecars(2, NEW, { ready: 1 })] }));
const late = aged(assessmentOf(deployment("web", { pods: [sidecars(3, OLD)] })), {
  atLeast: 8 * 86_400,
  atMost: undefined,
});
const lost = assessmentOf(deployment("db", { pods: [sidecars(3, NEW)] }), {
  labels: { rev: "asm-1-26" },
});
const unknown = assessmentOf(deployment("cache", { rollout: { replicas: 2 } }));
const GAP = {
  verb: "list",
  resource: "pods",
  namespace: "vault",
  reason: "forbidden",
  message: "no",
  hint: "ask",
} as const;
const ERROR: ErrorDocument = {
  apiVersion: "istio-upgrade/v1",
  kind: "Error",
  cluster: { context: "test" },
  code: "unreachable",
  message: "no answer",
  hint: "try again",
  exitCode: 1,
};
const excluded = { ...current, verdict: "excluded" as const };

test.each<
  [what: string, documents: readonly (Report | ErrorDocument)[], tone: string, text: string]
>([
  [
    "all are current",
    [checkReport({ assessments: [current] })],
    "good",
    "Every sidecar in scope is on target",
  ],
  [
    "the current ones are beside others that are left out",
    [checkReport({ assessments: [current, excluded] })],
    "good",
    "Every judged sidecar is on target",
  ],
  [
    "one is outdated",
    [checkReport({ assessments: [current, late] })],
    "warning",
    "1 of 2 workloads are not on target",
  ],
  [
    "one would lose its sidecar",
    [checkReport({ assessments: [current, lost] })],
    "bad",
    "1 of 2 workloads are not on target",
  ],
  [
    "--fail-on ignores the one that would lose its sidecar",
    [{ ...checkReport({ assessments: [current, lost] }), exitCode: 0, exitReasons: [] }],
    "bad",
    "1 of 2 workloads are not on target",
  ],
  [
    "there is a gap",
    [checkReport({ assessments: [current], gaps: [GAP], exitCode: 6 })],
    "incomplete",
    "This report is incomplete",
  ],
  [
    "a verdict is unknown",
    [checkReport({ assessments: [current, unknown] })],
    "incomplete",
    "This report is incomplete",
  ],
  [
    "there is a gap beside an outdated workload",
    [checkReport({ assessments: [late], gaps: [GAP], exitCode: 2 })],
    "incomplete",
    "1 of 1 workload is not on target, and this report is incomplete",
  ],
  [
    "nothing is in scope",
    [checkReport()],
    "neutral",
    "No workload in scope has a sidecar, or should have one",
  ],
  [
    "everything is left out",
    [checkReport({ assessments: [excluded] })],
    "neutral",
    "No workload in scope is judged",
  ],
  [
    "a workload that verify found is not ready",
    [verifyReport({ assessments: [unready] })],
    "warning",
    "Every sidecar in scope is on target",
  ],
  [
    "one of two clusters could not be read",
    [checkReport({ assessments: [current] }), ERROR],
    "incomplete",
    "This report is incomplete",
  ],
  ["no cluster could be read", [ERROR, ERROR], "incomplete", "No cluster could be read"],
  [
    "a second cluster is outdated",
    [checkReport({ assessments: [current] }), checkReport({ assessments: [late] })],
    "warning",
    "1 of 2 workloads are not on target",
  ],
])("the headline if %s", (_what, documents, tone, text) => {
  expect(sidecarHeadline(documents.map(clusterOutcome))).toMatchObject({ tone, text });
});

test("the details name everything that restricts the headline", () => {
  const report = checkReport({
    assessments: [late, unknown, excluded],
    gaps: [GAP],
    exitCode: 2,
    maxAge: 30 * 86_400,
  });
  expect(sidecarHeadline([report, ERROR].map(clusterOutcome)).details).toEqual([
    "1 of 2 clusters could not be read",
    "1 gap: more workloads may be outdated than this report shows",
    "The verdict on 1 workload is unknown",
    "1 outdated workload within 30 days, which the exit code ignores",
    "Not judged: 1 excluded",
  ]);
  const { details } = sidecarHeadline([clusterOutcome(checkReport({ assessments: [late] }))]);
  expect(details).toEqual(["The oldest has been outdated for at least 8d"]);
});

test("a good headline is never about a cluster with anything left, unknown or not read", () => {
  const [entry] = checkReport({ assessments: [current] }).workloads;
  if (entry === undefined) throw new Error("there is one");
  const anyReport = fc
    .record({
      verdicts: fc.array(fc.constantFrom(...VERDICTS), { maxLength: 4 }),
      gaps: fc.nat(1),
      complete: fc.boolean(),
    })
    .map(({ verdicts, gaps, complete }): CheckReport => {
      const [gap] = checkReport({ gaps: [GAP], exitCode: 6 }).gaps;
      return {
        ...checkReport(),
        workloads: verdicts.map((verdict) => ({ ...entry, verdict })),
        gaps: gaps === 1 && gap !== undefined ? [gap] : [],
        complete,
      };
    });
  const documents = fc.array(fc.oneof(anyReport, fc.constant(ERROR)), {
    minLength: 1,
    maxLength: 3,
  });
  fc.assert(
    fc.property(documents, (found) => {
      if (sidecarHeadline(found.map(clusterOutcome)).tone !== "good") return;
      for (const document of found) {
        if (document.kind === "Error") throw new Error("an error is not good");
        expect([document.complete, document.gaps]).toEqual([true, []]);
        for (const { verdict } of document.workloads) {
          expect(["current", "pinned", "excluded", "managed"]).toContain(verdict);
        }
      }
    }),
    { numRuns: 500 },
  );
});

describe("the headline of a restart", () => {
  const failed = someResult({ outcome: "failed", code: "pod-failed", message: "m" });
  const waiting = someResult({ outcome: "not-started", code: "deadline", message: "m" });
  const done = restartReport([someResult()], { assessments: [current] });
  const reasons = (report: RestartReport, ...exitReasons: readonly string[]) => ({
    ...report,
    exitReasons,
  });

  test.each<[what: string, report: RestartReport, tone: string, text: string]>([
    ["everything was restarted", done, "good", "1 workload was restarted"],
    [
      "a restart failed",
      reasons(restartReport([someResult(), failed], { assessments: [current] }), "failed:1"),
      "bad",
      "1 of 2 workloads were restarted",
    ],
    [
      "one was not started",
      reasons(restartReport([someResult(), waiting], { assessments: [current] }), "not-started:1"),
      "warning",
      "1 of 2 workloads were restarted",
    ],
    [
      "the cluster was not read again",
      restartReport([someResult()], { gaps: [GAP], exitCode: 6 }),
      "incomplete",
      "1 workload was restarted",
    ],
    [
      "the run has not ended",
      reasons(restartReport([someResult()], { gaps: [GAP], exitCode: 4 }), "unfinished:2"),
      "incomplete",
      "In progress: 1 of 3 workloads are done",
    ],
    [
      "it is a plan",
      restartReport([someResult({ outcome: "skipped" })], {
        assessments: [late],
        dryRun: "client",
      }),
      "neutral",
      "1 workload to restart",
    ],
    [
      "it is a plan that something may be missing in",
      restartReport([], { gaps: [GAP], dryRun: "client", exitCode: 6 }),
      "incomplete",
      "Nothing to restart",
    ],
    [
      "a gate said no after the last wave",
      reasons(done, "gate-refused"),
      "warning",
      "1 workload was restarted",
    ],
    [
      "something is outdated afterwards",
      restartReport([someResult()], { assessments: [late] }),
      "warning",
      "1 workload was restarted",
    ],
  ])("if %s", (_what, report, tone, text) => {
    expect(restartHeadline(report)).toMatchObject({ tone, text });
  });
});
