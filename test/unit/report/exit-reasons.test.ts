import { describe, expect, test } from "vitest";
import { exitCodeOf } from "../../../src/exit-codes.ts";
import { workloadEntry } from "../../../src/report/entries.ts";
import {
  countEntries,
  verdictReasons,
  resultLine,
  resultReasons,
  unreadyReasons,
} from "../../../src/report/exit-reasons.ts";
import type { FailOn } from "../../../src/settings.ts";
import type { Workload } from "../../../src/snapshot.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
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
      someResult({ outcome: "not-started", code: "max-failures" }),
    ];
    expect(resultReasons(results)).toEqual([
      { code: 3, text: "sidecar-lost:1" },
      { code: 3, text: "failed:2" },
      { code: 4, text: "timed-out:1" },
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

test.each([
  ["my cluster\u00a0eu", "my_cluster_eu"],
  ["prod\nRESULT exit=0", "prod_RESULT_exit=0"],
  ["\u001b[31mprod", "prod"],
])("the RESULT line has no extra field or line for a context named %j", (context, shown) => {
  const line = resultLine(2, context, COUNTS);
  expect(line).toContain(` cluster=${shown} outdated=9 `);
  expect(line.split(" ")).toHaveLength(12);
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
