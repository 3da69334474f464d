import { describe, expect, test } from "vitest";
import type { WorkloadEntry } from "../../../src/report/document.ts";
import {
  countedSince,
  type EarlierReport,
  sinceEntry,
  workloadKey,
} from "../../../src/report/since.ts";
import { verdictReasons } from "../../../src/report/exit-reasons.ts";
import { renderJunit } from "../../../src/report/junit.ts";
import { renderMarkdown } from "../../../src/report/markdown.ts";
import { renderReport } from "../../../src/report/report-text.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { checkReport, PLAIN, PLAIN_80 } from "../../support/build/report.ts";
import { parseReport } from "../../support/report-schema.ts";
import { deployment } from "../../support/build/workload.ts";

type Judged = Pick<WorkloadEntry, "verdict" | "withinMaxAge">;

const [BASE] = checkReport({
  assessments: [assessmentOf(deployment("web", { pods: [sidecars(2, proxyImage("v1.27.7-1"))] }))],
}).workloads;

function entry(name: string, judged: Judged, namespace = "shop"): WorkloadEntry {
  if (BASE === undefined) throw new Error("there is one");
  return { ...BASE, namespace, name, ...judged };
}

function earlier(...entries: readonly WorkloadEntry[]): EarlierReport {
  return {
    generatedAt: "2026-11-21T20:00:00.000Z",
    complete: true,
    workloads: new Map(entries.map((each) => [workloadKey(each), each])),
  };
}

const OUTDATED: Judged = { verdict: "outdated" };
const WITHIN: Judged = { verdict: "outdated", withinMaxAge: true };
const CURRENT: Judged = { verdict: "current" };
const LOST: Judged = { verdict: "would-lose" };
const UNKNOWN: Judged = { verdict: "unknown" };
const GAP = {
  what: "list pods",
  namespace: "shop",
  reason: "forbidden",
  message: "no",
  hint: "ask",
} as const;

describe("a workload", () => {
  test.each<[before: Judged | undefined, now: Judged | undefined, found: string]>([
    [undefined, undefined, ""],
    [CURRENT, CURRENT, ""],
    [CURRENT, OUTDATED, "new"],
    [undefined, OUTDATED, "new"],
    [OUTDATED, OUTDATED, ""],
    [OUTDATED, CURRENT, "gone"],
    [OUTDATED, undefined, "gone"],
    [OUTDATED, { verdict: "excluded" }, "gone"],
    [OUTDATED, LOST, "new gone"],
    [LOST, OUTDATED, "new gone"],
    [UNKNOWN, UNKNOWN, ""],
    [UNKNOWN, OUTDATED, "new gone"],
    [WITHIN, WITHIN, ""],
    [WITHIN, OUTDATED, "new"],
    [OUTDATED, WITHIN, "gone"],
    [undefined, WITHIN, ""],
    [CURRENT, { verdict: "missing" }, "new"],
    [CURRENT, { verdict: "blocked" }, "new"],
    [CURRENT, { verdict: "pinned" }, ""],
  ])("with the verdict %j before and %j now is: %s", (before, now, found) => {
    const workloads = now ? [entry("web", now)] : [];
    const since = sinceEntry(earlier(...(before ? [entry("web", before)] : [])), {
      workloads,
      gaps: [],
    });
    const names = [
      ...(since.new.length > 0 ? ["new"] : []),
      ...(since.gone.length > 0 ? ["gone"] : []),
    ];
    expect(names.join(" ")).toBe(found);
    for (const each of since.new) expect(each).toMatchObject({ before: before?.verdict ?? null });
    for (const each of since.gone) expect(each).toMatchObject({ now: now?.verdict ?? null });
  });

  test("is not gone if it may be unread", () => {
    const before = earlier(entry("web", OUTDATED), entry("api", OUTDATED, "pay"));
    const gone = (namespace: string | null) =>
      sinceEntry(before, { workloads: [], gaps: [{ ...GAP, namespace }] }).gone;
    expect(gone("shop").map(({ name }) => name)).toEqual(["api"]);
    expect(gone(null)).toEqual([]);
    // It was read, and is on target.
    const read = [entry("web", CURRENT)];
    expect(
      sinceEntry(before, { workloads: read, gaps: [{ ...GAP, namespace: null }] }).gone,
    ).toHaveLength(1);
  });

  test("of another kind or namespace is another workload", () => {
    const other = { ...entry("web", OUTDATED), kind: "StatefulSet" };
    const before = earlier(entry("web", OUTDATED));
    for (const workload of [other, entry("web", OUTDATED, "pay")]) {
      const since = sinceEntry(before, { workloads: [workload], gaps: [] });
      expect([since.new.length, since.gone.length]).toEqual([1, 1]);
    }
  });
});

describe("the exit code", () => {
  const reasons = (before: EarlierReport, workloads: readonly WorkloadEntry[], gaps = 0) => {
    const since = sinceEntry(before, { workloads, gaps: [] });
    return verdictReasons(countedSince(workloads, since), gaps, false).map(({ text }) => text);
  };

  test("counts only what is new", () => {
    const workloads = [entry("web", OUTDATED), entry("api", OUTDATED), entry("db", LOST)];
    expect(reasons(earlier(entry("web", OUTDATED), entry("db", LOST)), workloads)).toEqual([
      "outdated:1",
    ]);
    expect(reasons(earlier(...workloads), workloads)).toEqual([]);
    expect(reasons(earlier(), workloads)).toEqual(["outdated:2", "would-lose:1"]);
  });

  test("always counts unknown workloads and gaps", () => {
    const workloads = [entry("web", UNKNOWN)];
    expect(reasons(earlier(...workloads), workloads, 2)).toEqual(["unknown:1", "gaps:2"]);
  });
});

describe("a report", () => {
  const known = entry("web", OUTDATED);
  const fresh = entry("api", LOST);
  const report = (before: EarlierReport) => {
    const workloads = [fresh, known];
    const plain = { ...checkReport(), workloads, exitReasons: [] };
    const document = { ...plain, since: sinceEntry(before, plain) };
    return parseReport("CheckReport", JSON.stringify(document));
  };

  test("begins with what is new and what is gone", () => {
    const changed = report(earlier(known, entry("old", OUTDATED)));
    expect([...renderReport(changed, PLAIN_80, false)].join("")).toContain(
      `NEW SINCE 2026-11-21T20:00:00.000Z: 1 workload
NAMESPACE   WORKLOAD     VERDICT      BEFORE
shop        deploy/api   would-lose   -

GONE SINCE 2026-11-21T20:00:00.000Z: 1 workload
NAMESPACE   WORKLOAD     VERDICT    NOW
shop        deploy/old   outdated   -
`,
    );
    const markdown = renderMarkdown(changed);
    expect(markdown).toContain("## New since 2026-11-21T20:00:00.000Z: 1 workload\n");
    expect(markdown).toContain("| shop      | deploy/old | outdated |");
  });

  test("says that nothing changed, but not that nothing is left", () => {
    const text = [...renderReport(report(earlier(known, fresh)), PLAIN, false)].join("");
    expect(text).toContain("NOTHING NEW SINCE 2026-11-21T20:00:00.000Z\n");
    expect(text).not.toContain("Nothing is left");
    expect(renderMarkdown(report(earlier(known, fresh)))).toContain(
      "\nNothing new since 2026-11-21T20:00:00.000Z.\n",
    );
  });

  test("names at most 20 workloads, unless all are wanted", () => {
    const many = Array.from({ length: 25 }, (_, index) => entry(`old-${index}`, OUTDATED));
    const long = report(earlier(known, fresh, ...many));
    const lines = (wide: boolean) => [...renderReport(long, PLAIN, wide)].join("");
    expect(lines(false)).toContain("GONE SINCE 2026-11-21T20:00:00.000Z: 25 workloads");
    expect(lines(false)).toContain("\nand 5 more: -o wide\n");
    expect(lines(false)).not.toContain("old-24");
    expect(lines(true)).toContain("old-24");
  });

  test("in JUnit skips what was known", () => {
    const xml = [...renderJunit(report(earlier(known)))].join("");
    expect(xml).toContain('tests="2" failures="1" errors="0" skipped="1"');
  });
});
