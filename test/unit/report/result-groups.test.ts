import { expect, test } from "vitest";
import { resultEntry, workloadEntry } from "../../../src/report/entries.ts";
import { undoneResults, withoutUndone } from "../../../src/report/result-groups.ts";
import { renderMarkdown } from "../../../src/report/markdown.ts";
import { renderReport } from "../../../src/report/report-text.ts";
import type { Outcome, StepResult } from "../../../src/rollout/result.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { crashing, proxyImage, sidecars } from "../../support/build/pod-group.ts";
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
const failing = (name: string) => {
  const trouble = crashing(`${name}-2`);
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

test("a workload that this run did not bring on target is not also listed as outdated", () => {
  const names = ["failed", "slow", "late", "refused", "before"];
  const entries = names.map((name) => workloadEntry(failing(name), formatStep));
  const results = [
    ended("failed", "failed"),
    ended("slow", "timed-out"),
    ended("late", "not-started"),
    ended("refused", "skipped"),
    ended("done", "restarted"),
  ].map((result) => resultEntry(result, formatStep));
  expect(withoutUndone(entries, results).map(({ name }) => name)).toEqual(["before"]);
});

test.each<[what: string, outcome: Outcome, text: string]>([
  ["failed", "failed", "NOT DONE: 1 workload"],
  ["was not started", "not-started", "NOT DONE: 1 workload"],
  ["was skipped", "skipped", "NOT DONE: 1 workload"],
])("an outdated workload that %s has one row", (_what, outcome, text) => {
  const late = assessmentOf(deployment("web", { pods: [sidecars(2, LATE)] }));
  const report = restartReport([ended("web", outcome)], { assessments: [late], exitCode: 3 });
  const rendered = [...renderReport(report, PLAIN_80, false)].join("");
  expect(rendered).toContain(text);
  expect(rendered).not.toContain("OUTDATED");
  expect(rendered.match(/deploy\/web/g)).toHaveLength(1);
});

test("a rollout that the user no longer waits for is still rolling, in every text", () => {
  const report = restartReport([ended("web", "still-rolling", { code: "interrupted" })], {
    exitCode: 4,
  });
  const rendered = [...renderReport(report, PLAIN_80, false)].join("");
  expect(rendered).toContain("shop   deploy/web   still-rolling   interrupted\n");
  expect(renderMarkdown(report)).toContain("still-rolling: ");
});

test("workloads that were not done for the same reason are named as far as they are few", () => {
  const results = ["a", "b", "c", "d", "e", "f"].map((name) =>
    ended(name, "not-started", { code: "deadline", message: "no new restarts" }),
  );
  const text = (wide: boolean) => {
    const all = [ended("z", "failed", { code: "quota", message: "it is full" }), ...results];
    return [...renderReport(restartReport(all, { exitCode: 3 }), PLAIN_80, wide)].join("");
  };
  expect(text(false)).toContain(
    [
      "NOT DONE: 7 workloads",
      "shop   deploy/z   failed   quota",
      "    it is full",
      "shop   deploy/a   not-started   deadline",
      "shop   deploy/b   not-started   deadline",
      "shop   deploy/c   not-started   deadline",
      "and 3 more   not-started   deadline",
      "    no new restarts",
      "",
    ].join("\n"),
  );
  expect(text(true)).toContain("deploy/f   not-started   deadline");
  expect(text(true)).not.toContain("more   not-started");
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
