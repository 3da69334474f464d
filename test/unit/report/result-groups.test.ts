import { expect, test } from "vitest";
import { resultEntry, workloadEntry } from "../../../src/report/entries.ts";
import { withoutFailures, undoneResults } from "../../../src/report/result-groups.ts";
import { renderReport } from "../../../src/report/report-text.ts";
import type { Outcome, StepResult } from "../../../src/rollout/result.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { PLAIN_80, restartReport } from "../../support/build/report.ts";
import { someResult } from "../../support/build/step.ts";
import { deployment } from "../../support/build/workload.ts";
import { formatStep } from "../../support/build/next-step.ts";

const LATE = proxyImage("v1.27.7-1");

function ended(name: string, outcome: Outcome, more: Partial<StepResult> = {}): StepResult {
  const ref = { namespace: "shop", kind: "Deployment", name, uid: name };
  return someResult({ ref, outcome, ...more });
}

/** An outdated workload whose new pod crashes. */
const crashing = (name: string) => {
  const trouble = { pod: `${name}-2`, reason: "CrashLoopBackOff", message: "back-off" };
  return assessmentOf(deployment(name, { pods: [{ ...sidecars(2, LATE), trouble }] }));
};

test("failures come first, then timeouts, each in the order of the plan", () => {
  const results = [
    ended("a", "skipped"),
    ended("b", "failed"),
    ended("c", "not-started"),
    ended("d", "restarted"),
    ended("e", "timed-out"),
    ended("f", "failed"),
    ended("g", "waited"),
    ended("h", "skipped", { code: "dry-run" }),
  ].map((result) => resultEntry(result, formatStep));
  expect(undoneResults(results).map(({ name }) => name)).toEqual(["b", "f", "e", "c", "a"]);
});

test("a workload that failed in this run is not also listed as outdated", () => {
  const entries = [
    workloadEntry(crashing("mine"), formatStep),
    workloadEntry(crashing("before"), formatStep),
  ];
  const left = withoutFailures(entries, [resultEntry(ended("mine", "failed"), formatStep)]);
  expect(left.map(({ name }) => name)).toEqual(["before"]);
});

test("a restart that the API server rejected in a dry run is listed below the plan", () => {
  const report = restartReport(
    [
      ended("a", "skipped", { code: "dry-run", message: "it would accept the restart" }),
      ended("b", "failed", { code: "api-error", message: "denied by a policy" }),
    ],
    { dryRun: "server", exitCode: 3 },
  );
  const text = [...renderReport(report, PLAIN_80, false)].join("");
  expect(text).toContain("NOT DONE: 1 workload\nshop   deploy/b   failed   api-error\n");
  expect(text.indexOf("PLAN: 2 workloads")).toBeLessThan(text.indexOf("NOT DONE"));
  expect(text).not.toContain("RESTARTED");
});

test("a workload that was rolling already is not listed as restarted", () => {
  const report = restartReport([ended("a", "restarted"), ended("b", "waited")]);
  const text = [...renderReport(report, PLAIN_80, false)].join("");
  const row = (name: string) =>
    `shop        deploy/${name}   v1.27.7-1   v1.27.9-6   3      patch\n`;
  const head = "NAMESPACE   WORKLOAD   FROM        TO          PODS   CHANGE\n";
  expect(text).toContain(`RESTARTED: 1 of 2 workloads\n${head}${row("a")}`);
  expect(text).toContain(`WAITED FOR: 1 of 2 workloads\n${head}${row("b")}`);
});

test("a reason that several results share appears once", () => {
  const current = { code: "already-current", message: "it has become current" };
  const report = restartReport(
    [
      ended("a", "skipped", current),
      ended("b", "failed", { code: "pod-failed", message: "its pod crashes" }),
      ended("c", "skipped", current),
    ],
    { exitCode: 3 },
  );
  expect([...renderReport(report, PLAIN_80, false)].join("")).toContain(
    [
      "NOT DONE: 3 workloads",
      "shop   deploy/b   failed   pod-failed",
      "    its pod crashes",
      "shop   deploy/a   skipped   already-current",
      "shop   deploy/c   skipped   already-current",
      "    it has become current",
    ].join("\n"),
  );
});
