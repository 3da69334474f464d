import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  BAR_ORDER,
  type Counts,
  podShares,
  shareOf,
  verdictCounts,
  workloadShares,
} from "../../../../src/report/html/shares.ts";
import { verdictParts } from "../../../../src/report/html/bar.ts";
import { segmentsOf } from "../../../../src/report/html/segments.ts";
import { VERDICTS } from "../../../../src/mesh/verdict.ts";
import { assessmentOf } from "../../../support/build/assessment.ts";
import { bare, proxyImage, sidecars } from "../../../support/build/pod-group.ts";
import { checkReport } from "../../../support/build/report.ts";
import { deployment } from "../../../support/build/workload.ts";

test("a bar has a place for every verdict", () => {
  expect(BAR_ORDER.toSorted()).toEqual(VERDICTS.toSorted());
});

test.each<[counts: Counts, percent: number | undefined, behind: number]>([
  [{ current: 3 }, 100, 0],
  [{ current: 1999, outdated: 1 }, 99, 1],
  [{ current: 199, unknown: 1 }, 99, 0],
  [{ current: 1, "would-lose": 1, blocked: 1, missing: 1 }, 25, 3],
  [{ current: 1, excluded: 8, managed: 2, pinned: 5 }, 100, 0],
  [{ excluded: 8 }, undefined, 0],
  [{}, undefined, 0],
])("of %j, %s %% are on target", (counts, percent, behind) => {
  expect(shareOf(counts)).toMatchObject({ percent, behind });
});

const anyCounts: fc.Arbitrary<Counts> = fc.record(
  Object.fromEntries(BAR_ORDER.map((verdict) => [verdict, fc.nat(100_000)])),
  { requiredKeys: [] },
);

test("100 % are only on target if nothing is behind or unknown", () => {
  fc.assert(
    fc.property(anyCounts, (counts) => {
      const { percent, behind } = shareOf(counts);
      const left = behind + (counts.unknown ?? 0);
      expect(percent === 100).toBe(left === 0 && (counts.current ?? 0) > 0);
    }),
  );
});

test("a bar is full, and shows every number except 0", () => {
  fc.assert(
    fc.property(anyCounts, (counts) => {
      const segments = segmentsOf(verdictParts(counts));
      const present = BAR_ORDER.filter((verdict) => (counts[verdict] ?? 0) > 0);
      expect(segments.map(({ kind }) => kind)).toEqual(present.map((verdict) => `v-${verdict}`));
      for (const { width } of segments) expect(width).toBeGreaterThan(1);
      const sum = segments.reduce((all, { width }) => all + width, 0);
      expect(sum).toBeCloseTo(present.length > 0 ? 100 : 0);
    }),
  );
});

const [NEW, OLD] = [proxyImage("v1.27.9-6"), proxyImage("v1.27.7-1")];
const at = (name: string, namespace: string, pods: Parameters<typeof deployment>[1]) =>
  deployment(name, { namespace, ...pods });
const { workloads } = checkReport({
  assessments: [
    assessmentOf(at("web", "shop", { pods: [sidecars(3, OLD), sidecars(1, NEW)] })),
    assessmentOf(at("api", "shop", { pods: [sidecars(2, NEW)] })),
    assessmentOf(at("db", "pay", { pods: [sidecars(2, NEW)] }), { labels: { rev: "asm-1-26" } }),
    assessmentOf(at("new", "pay", { pods: [bare(1)] })),
  ],
});

describe("the share", () => {
  test("of namespaces has those with the most work left first", () => {
    const shares = workloadShares(workloads, ({ namespace }) => namespace);
    expect(shares.map(({ name, counts }) => [name, counts])).toEqual([
      ["pay", { "would-lose": 1, missing: 1 }],
      ["shop", { outdated: 1, current: 1 }],
    ]);
  });

  test("of pods never counts those of a workload that would lose its sidecar as current", () => {
    expect(podShares(workloads).map(({ name, counts }) => [name, counts])).toEqual([
      ["asm-1-27 v1.27.9-6", { current: 3, "would-lose": 2 }],
      ["asm-1-27 v1.27.7-1", { outdated: 3 }],
      ["(no sidecar)", { missing: 1 }],
    ]);
  });

  test("has the same numbers as the summary", () => {
    const assessments = [assessmentOf(at("web", "shop", { pods: [sidecars(3, OLD)] }))];
    const report = checkReport({ assessments });
    expect(verdictCounts(report.workloads)).toEqual(report.summary.byVerdict);
  });
});
