import { expect, test } from "vitest";
import { ageGroups } from "../../../../src/report/html/ages.ts";
import { aged, assessmentOf } from "../../../support/build/assessment.ts";
import { proxyImage, sidecars } from "../../../support/build/pod-group.ts";
import { checkReport } from "../../../support/build/report.ts";
import { deployment } from "../../../support/build/workload.ts";

const late = assessmentOf(deployment("web", { pods: [sidecars(3, proxyImage("v1.27.7-1"))] }));
const current = assessmentOf(deployment("api", { pods: [sidecars(3, proxyImage("v1.27.9-6"))] }));

/** The groups of workloads that have been outdated for at least these numbers of days. */
function groups(...days: readonly (number | undefined)[]) {
  const assessments = days.map((number) =>
    aged(late, { atLeast: number && number * 86_400, atMost: 400 * 86_400 }),
  );
  const { workloads } = checkReport({ assessments: [current, ...assessments] });
  return ageGroups(workloads).map(({ name, workloads: found }) => [name, found]);
}

test("ages are counted by their lower bound", () => {
  expect(groups(0.5, 1, 6.9, 7, 30, 89, 90, 365)).toEqual([
    ["less than 1 day", 1],
    ["1 to 7 days", 2],
    ["7 to 30 days", 1],
    ["30 to 90 days", 2],
    ["90 days or more", 2],
  ]);
});

test("a workload without a lower bound is not young", () => {
  expect(groups(undefined)).toEqual([["unknown age", 1]]);
});

test("there are no ages if nothing is outdated", () => {
  expect(groups()).toEqual([]);
});
