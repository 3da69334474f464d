import { describe, expect, test } from "vitest";
import { exitCodeOf } from "../../../src/exit-codes.ts";
import type { Assessment } from "../../../src/mesh/assessment.ts";
import { workloadEntry } from "../../../src/report/entries.ts";
import {
  countEntries,
  moveReasons,
  verdictReasons,
  resultFields,
  resultLine,
  resultReasons,
  unreadyReasons,
} from "../../../src/report/exit-reasons.ts";
import type { FailOn } from "../../../src/settings.ts";
import type { Workload } from "../../../src/snapshot.ts";
import { aged, assessmentOf } from "../../support/build/assessment.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { checkReport, restartReport, verifyReport } from "../../support/build/report.ts";
import { someResult } from "../../support/build/step.ts";
import {
  AKS_GATEWAY,
  daemonSet,
  deployment,
  otherWorkload,
  statefulSet,
} from "../../support/build/workload.ts";
import { formatStep } from "../../support/build/next-step.ts";

const TARGET = proxyImage("v1.27.9-6");
const LATE = proxyImage("v1.27.7-1");

type Options = Parameters<typeof assessmentOf>[1];

function entry(workload: Workload, options?: Options) {
  return workloadEntry(assessmentOf(workload, options), formatStep);
}

const ENTRIES = {
  outdated: entry(deployment("a", { pods: [sidecars(1, LATE)] })),
  refused: entry(deployment("b", { pods: [sidecars(1, LATE)], rollout: { paused: true } })),
  byHand: entry(otherWorkload("Pod", "c", { pods: [sidecars(1, LATE)] })),
  wouldLose: entry(deployment("d", { pods: [sidecars(1, TARGET)] }), { labels: {} }),
  missing: entry(deployment("e", { pods: [bare(1)] })),
  missingPaused: entry(deployment("k", { pods: [bare(1)], rollout: { paused: true } })),
  missingByHand: entry(otherWorkload("Pod", "l", { pods: [bare(1)] })),
  unknown: entry(deployment("f", { rollout: { replicas: 1 } })),
  current: entry(deployment("g", { pods: [sidecars(1, TARGET)] })),
  managed: entry(deployment("h", { ...AKS_GATEWAY, pods: [sidecars(1, LATE, { ready: 0 })] })),
  excluded: entry(deployment("i", { pods: [sidecars(1, LATE, { ready: 0 })] }), {
    policy: { excludes: () => "it" },
  }),
  unready: entry(deployment("j", { pods: [sidecars(3, TARGET, { ready: 1 })] })),
};

test("the counts are those of the report, and of what restart fixes and does not fix", () => {
  expect(countEntries(Object.values(ENTRIES), 2)).toEqual({
    outdated: 3,
    restartable: 1,
    "by-hand": 4,
    "would-lose": 1,
    blocked: 0,
    missing: 3,
    unknown: 1,
    "not-ready": 1,
    gaps: 2,
  });
});

describe("the exit code for", () => {
  test.each<
    [what: string, names: (keyof typeof ENTRIES)[], gaps: number, code: number, texts: string[]]
  >([
    ["no workloads", [], 0, 0, []],
    ["current, managed and excluded workloads", ["current", "managed", "excluded"], 0, 0, []],
    ["a workload that restart fixes", ["outdated", "current"], 0, 2, ["outdated:1"]],
    ["workloads refused or to be restarted by hand", ["refused", "byHand"], 0, 5, ["by-hand:2"]],
    ["a workload that would lose its sidecar", ["wouldLose"], 0, 5, ["would-lose:1"]],
    ["a workload without its sidecar", ["missing"], 0, 5, ["missing:1"]],
    [
      "workloads without their sidecar that cannot be restarted",
      ["missingPaused", "missingByHand"],
      0,
      5,
      ["by-hand:2", "missing:2"],
    ],
    [
      "outdated workloads, if restart fixes only some of them",
      ["outdated", "refused"],
      0,
      2,
      ["outdated:2", "by-hand:1"],
    ],
    ["an unknown workload", ["unknown", "wouldLose"], 0, 6, ["would-lose:1", "unknown:1"]],
    ["a gap, with current workloads", ["current"], 1, 6, ["gaps:1"]],
    ["a gap, with an outdated workload", ["outdated"], 1, 2, ["outdated:1", "gaps:1"]],
  ])("%s", (_what, names, gaps, code, texts) => {
    const entries = names.map((name) => ENTRIES[name]);
    const reasons = verdictReasons(entries, gaps, false);
    expect(reasons.map(({ text }) => text)).toEqual(texts);
    expect(exitCodeOf(reasons)).toBe(code);
  });

  test("a missing sidecar is 2 if --include missing restarts it", () => {
    expect(exitCodeOf(verdictReasons([ENTRIES.missing], 0, true))).toBe(2);
  });

  test("a missing sidecar stays 5 if no restart can add it", () => {
    const entries = [ENTRIES.missingPaused, ENTRIES.missingByHand];
    expect(verdictReasons(entries, 0, true)).toEqual([
      { code: 5, text: "by-hand:2" },
      { code: 5, text: "missing:2" },
    ]);
  });
});

test("pods that are not ready fail a verification, unless managed or excluded", () => {
  expect(unreadyReasons([ENTRIES.current, ENTRIES.managed, ENTRIES.excluded])).toEqual([]);
  expect(unreadyReasons(Object.values(ENTRIES))).toEqual([{ code: 4, text: "not-ready:1" }]);
});

describe("a verification fails with 4 for", () => {
  const NOT_READY = [{ code: 4, text: "not-ready:1" }];
  const onTarget = [sidecars(3, TARGET)];

  test.each<[what: string, workload: Workload, reasons: readonly unknown[]]>([
    [
      "a DaemonSet with a pod that cannot end",
      daemonSet("agent", {
        pods: onTarget,
        terminating: 1,
        rollout: { status: { desired: 4, updated: 3, available: 3 } },
      }),
      NOT_READY,
    ],
    [
      "a StatefulSet with a pod that cannot end",
      statefulSet("db", { pods: onTarget, terminating: 1, rollout: { replicas: 4 } }),
      NOT_READY,
    ],
    [
      "a Deployment whose missing pod cannot be created",
      deployment("web", { pods: onTarget, rollout: { replicas: 4 } }),
      NOT_READY,
    ],
    [
      "no Deployment that has replaced a pod which cannot end",
      deployment("web", { pods: onTarget, terminating: 1 }),
      [],
    ],
    [
      "no workload with more pods than it wants",
      deployment("web", { pods: onTarget, rollout: { replicas: 1 } }),
      [],
    ],
    [
      "no gateway of AKS",
      daemonSet("gw", {
        ...AKS_GATEWAY,
        pods: onTarget,
        rollout: { status: { desired: 4, updated: 3, available: 3 } },
      }),
      [],
    ],
    ["no bare pod that is ready", otherWorkload("Pod", "x", { pods: [sidecars(1, TARGET)] }), []],
  ])("%s", (_what, workload, reasons) => {
    expect(unreadyReasons([entry(workload)])).toEqual(reasons);
  });
});

describe("results of restarts", () => {
  test("that succeeded add no reason", () => {
    const outcomes = ["restarted", "waited", "skipped"] as const;
    expect(resultReasons(outcomes.map((outcome) => someResult({ outcome })))).toEqual([]);
  });

  test("that failed are counted by outcome, with lost sidecars apart", () => {
    const results = [
      someResult({ outcome: "failed", code: "sidecar-lost" }),
      someResult({ outcome: "failed", code: "pod-failed" }),
      someResult({ outcome: "failed", code: "gone" }),
      someResult({ outcome: "timed-out", code: "no-progress" }),
      someResult({ outcome: "still-rolling", code: "interrupted" }),
      someResult({ outcome: "not-started", code: "max-failures" }),
    ];
    expect(resultReasons(results)).toEqual([
      { code: 3, text: "sidecar-lost:1" },
      { code: 3, text: "failed:2" },
      { code: 4, text: "timed-out:1" },
      { code: 4, text: "still-rolling:1" },
      { code: 4, text: "not-started:1" },
    ]);
  });
});

const COUNTS = {
  outdated: 9,
  restartable: 6,
  "by-hand": 3,
  "would-lose": 1,
  blocked: 0,
  missing: 2,
  unknown: 0,
  "not-ready": 0,
  gaps: 0,
};

test("the RESULT line has one field for each count", () => {
  expect(resultLine(2, "prod", COUNTS)).toBe(
    "RESULT exit=2 cluster=prod outdated=9 restartable=6 by-hand=3 would-lose=1 blocked=0 missing=2 unknown=0 not-ready=0 gaps=0",
  );
  expect(resultLine(1, "prod-5", { error: "unreachable" })).toBe(
    "RESULT exit=1 cluster=prod-5 error=unreachable",
  );
});

describe("the RESULT line has the age of the oldest workload", () => {
  const DAY = 86_400;
  const late = assessmentOf(deployment("a", { pods: [sidecars(1, LATE)] }));
  const current = assessmentOf(deployment("g", { pods: [sidecars(1, TARGET)] }));
  const old = aged(late, { atLeast: 8 * DAY + 1, atMost: 30 * DAY });
  const unknown = aged(late, { atLeast: undefined, atMost: 90 * DAY });

  test.each<[what: string, assessments: readonly Assessment[], oldest: string | undefined]>([
    ["in days", [current, old, aged(late, { atLeast: 3600, atMost: 3600 })], "8d"],
    ["in a smaller unit", [aged(late, { atLeast: 3599, atMost: 3600 })], "59m"],
    ["as far as it is known", [unknown, old], "8d"],
    ["if it is unknown", [unknown], "unknown"],
    ["only if one is outdated", [current], undefined],
  ])("%s", (_what, assessments, oldest) => {
    const { oldest: found, ...counts } = resultFields(checkReport({ assessments }));
    expect(found).toBe(oldest);
    expect(counts).toEqual(countEntries(checkReport({ assessments }).workloads, 0));
    expect(resultFields(verifyReport({ assessments })).oldest).toBe(oldest);
  });

  test("at its end", () => {
    expect(resultLine(2, "prod", { ...COUNTS, oldest: "8d" })).toMatch(/ gaps=0 oldest=8d$/);
  });

  test("but not that of a restart", () => {
    expect(resultFields(restartReport([], { assessments: [old] }))).not.toHaveProperty("oldest");
  });
});

test.each([
  ["my cluster\u00a0eu", "my_cluster_eu"],
  ["prod\nRESULT exit=0", "prod_RESULT_exit=0"],
  ["\u001b[31mprod", "prod"],
])("the RESULT line has no extra field or line for a context named %j", (context, shown) => {
  const line = resultLine(2, context, COUNTS);
  expect(line).toContain(` cluster=${shown} outdated=9 `);
  expect(line.split(" ")).toHaveLength(12);
});

test("workloads that nobody allowed to move count with 5, even if --fail-on omits by-hand", () => {
  const pods = [sidecars(1, LATE, { revision: "asm-1-26" })];
  const left = (revisions: readonly string[]) =>
    entry(deployment("m", { pods }), { policy: { revisions } });
  const entries = [left([]), left(["asm-1-27"]), ENTRIES.refused];
  expect(moveReasons(entries)).toEqual([{ code: 5, text: "revision-not-allowed:1" }]);
  expect(moveReasons(entries.slice(1))).toEqual([]);
  expect(countEntries(entries, 0)).toMatchObject({ outdated: 3, restartable: 1, "by-hand": 2 });
});

describe("--fail-on", () => {
  const all = Object.values(ENTRIES);

  test.each<[failOn: readonly FailOn[], texts: readonly string[]]>([
    [[], ["unknown:1", "gaps:1"]],
    [["outdated"], ["outdated:3", "unknown:1", "gaps:1"]],
    [
      ["would-lose", "blocked"],
      ["would-lose:1", "unknown:1", "gaps:1"],
    ],
    [["by-hand"], ["by-hand:4", "unknown:1", "gaps:1"]],
    [["missing"], ["missing:3", "unknown:1", "gaps:1"]],
  ])("%j keeps these reasons, and always gaps and unknown", (failOn, texts) => {
    expect(verdictReasons(all, 1, false, failOn).map(({ text }) => text)).toEqual(texts);
    expect(unreadyReasons(all, failOn)).toEqual([]);
  });

  test("not-ready counts pods that are not ready", () => {
    expect(unreadyReasons(all, ["not-ready"])).toEqual([{ code: 4, text: "not-ready:1" }]);
  });
});

describe("--max-age 30d", () => {
  const DAY = 86_400;
  const LIMIT = 30 * DAY;
  const outdated = assessmentOf(deployment("a", { pods: [sidecars(1, LATE)] }));
  const byHand = assessmentOf(otherWorkload("Pod", "c", { pods: [sidecars(1, LATE)] }));
  const [young, old] = [
    { atLeast: 8 * DAY, atMost: 90 * DAY },
    { atLeast: LIMIT + 1, atMost: 90 * DAY },
  ];
  const [youngPods, unknown] = [
    { atLeast: undefined, atMost: LIMIT },
    { atLeast: undefined, atMost: 90 * DAY },
  ];

  test.each<[what: string, assessments: readonly Assessment[], code: number, texts: string[]]>([
    ["leaves out younger workloads", [aged(outdated, young)], 0, []],
    ["leaves out workloads with younger pods", [aged(outdated, youngPods)], 0, []],
    ["counts older workloads", [aged(outdated, old)], 2, ["outdated:1"]],
    ["counts workloads of an unknown age", [aged(outdated, unknown)], 2, ["outdated:1"]],
    ["counts workloads whose age nobody asked for", [outdated], 2, ["outdated:1"]],
    ["leaves out younger workloads that are restarted by hand", [aged(byHand, young)], 0, []],
    ["counts older workloads that are restarted by hand", [aged(byHand, old)], 5, ["by-hand:1"]],
    [
      "does not count a younger workload because of an older one",
      [aged(outdated, young), aged(byHand, old)],
      5,
      ["by-hand:1"],
    ],
    [
      "counts each older workload once",
      [aged(outdated, young), aged(outdated, old), aged(byHand, young), aged(byHand, unknown)],
      2,
      ["outdated:2", "by-hand:1"],
    ],
  ])("%s", (_what, assessments, code, texts) => {
    const entries = assessments.map((one) => workloadEntry(one, formatStep, LIMIT));
    const reasons = verdictReasons(entries, 0, false);
    expect(reasons.map(({ text }) => text)).toEqual(texts);
    expect(exitCodeOf(reasons)).toBe(code);
    // The counts of the RESULT line remain those of the report.
    expect(countEntries(entries, 0).outdated).toBe(assessments.length);
  });

  test("changes nothing about other findings, and omits none that --fail-on omits", () => {
    const { wouldLose, missing, unknown: undecided } = ENTRIES;
    const within = workloadEntry(aged(outdated, young), formatStep, LIMIT);
    const older = workloadEntry(aged(outdated, old), formatStep, LIMIT);
    const all = [wouldLose, missing, undecided, within, older];
    expect(verdictReasons(all, 1, false).map(({ text }) => text)).toEqual([
      "outdated:1",
      "would-lose:1",
      "missing:1",
      "unknown:1",
      "gaps:1",
    ]);
    expect(verdictReasons([within, older], 0, false, ["by-hand"])).toEqual([]);
  });

  test("adds the number of younger workloads to the RESULT line", () => {
    const summary = {
      ...checkReport().summary,
      withinMaxAge: 3,
      oldest: { atLeast: "P8D", atMost: null },
    };
    const fields = resultFields({ ...checkReport(), summary });
    expect(resultLine(0, "prod", fields)).toMatch(/ gaps=0 within-max-age=3 oldest=8d$/);
  });
});
