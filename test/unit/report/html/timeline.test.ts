import { describe, expect, test } from "vitest";
import type { ResultEntry, WaveEntry } from "../../../../src/report/document.ts";
import { axisOf, spansOf, timelineGroups } from "../../../../src/report/html/timeline.ts";
import { restartReport } from "../../../support/build/report.ts";
import { someResult } from "../../../support/build/step.ts";

const START = Date.parse("2026-11-22T20:00:00Z");
const at = (second: number) => new Date(START + second * 1000).toISOString();

/** A result whose times are in seconds. */
function result(name: string, times: Partial<Record<string, number>>, outcome = "restarted") {
  const [base] = restartReport([someResult()]).results;
  if (base === undefined) throw new Error("there is one");
  const { started, firstPod, ready, finished = 0 } = times;
  const time = (second: number | undefined) => (second === undefined ? null : at(second));
  return {
    ...base,
    name,
    outcome: outcome as ResultEntry["outcome"],
    startedAt: time(started),
    firstPodAt: time(firstPod),
    readyAt: time(ready),
    finishedAt: at(finished),
  };
}

const AXIS = { from: START, to: START + 100_000 };

test.each<
  [what: string, entry: ResultEntry, spans: readonly (readonly [string, number, number])[]]
>([
  [
    "a rollout has three parts",
    result("a", { started: 10, firstPod: 20, ready: 50, finished: 60 }),
    [
      ["starting", 10, 10],
      ["becoming-ready", 20, 30],
      ["finishing", 50, 10],
    ],
  ],
  [
    "a failure is shown from the first pod on",
    result("a", { started: 10, firstPod: 20, finished: 60 }, "failed"),
    [
      ["starting", 10, 10],
      ["failed", 20, 40],
    ],
  ],
  [
    "a failure without a new pod is visible as well",
    result("a", { started: 10, finished: 60 }, "failed"),
    [
      ["starting", 10, 50],
      ["failed", 60, 0.5],
    ],
  ],
  [
    "a rollout that the run no longer follows is not green",
    result("a", { started: 10, firstPod: 20, ready: 30, finished: 60 }, "still-rolling"),
    [
      ["starting", 10, 10],
      ["becoming-ready", 20, 10],
      ["unfinished", 30, 30],
    ],
  ],
  ["a workload that was not started has no bar", result("a", {}, "not-started"), []],
  [
    "a part at the end of the axis is visible",
    result("a", { started: 99, firstPod: 99, ready: 99, finished: 100 }),
    [["finishing", 99, 1]],
  ],
])("%s", (_what, entry, spans) => {
  expect(spansOf(entry, AXIS).map(({ kind, start, width }) => [kind, start, width])).toEqual(spans);
});

const wave = (number: number, ...names: readonly string[]): WaveEntry => ({
  number,
  workloads: names.map((name) => ({
    namespace: "shop",
    kind: "Deployment",
    name,
    outcome: "restarted",
  })),
  startedAt: null,
  finishedAt: null,
  soak: null,
  gate: null,
});
const SOAK = {
  result: "passed",
  message: "m",
  nextStep: "",
  workload: null,
  pod: null,
  container: null,
  event: null,
  startedAt: at(70),
  finishedAt: at(370),
} as const;

describe("the axis", () => {
  test("ends with the last rollout, soak or gate", () => {
    const results = [result("a", { started: 10, finished: 60 }), result("b", { finished: 900 })];
    expect(axisOf({ results, waves: [] })).toEqual({ from: START + 10_000, to: START + 60_000 });
    const waves = [{ ...wave(1, "a"), soak: SOAK }];
    expect(axisOf({ results, waves })).toEqual({ from: START + 10_000, to: START + 370_000 });
  });

  test("is missing if nothing was restarted", () => {
    expect(axisOf({ results: [result("b", { finished: 900 })], waves: [] })).toBeUndefined();
  });

  test("of a rollout that took no time has a length", () => {
    const results = [result("a", { started: 10, finished: 10 })];
    const axis = axisOf({ results, waves: [] }) ?? { from: 0, to: 0 };
    expect(axis.to).toBeGreaterThan(axis.from);
  });
});

test("the groups are the waves, in the order of the starts, and the results that belong to none", () => {
  const results = [
    result("late", {}, "not-started"),
    result("b", { started: 20 }),
    result("a", { started: 10 }),
    result("other", {}, "skipped"),
  ];
  const groups = timelineGroups({ results, waves: [wave(1, "a", "done"), wave(2, "late", "b")] });
  expect(
    groups.map((group) => [group.wave?.number, group.results.map(({ name }) => name)]),
  ).toEqual([
    [1, ["a"]],
    [2, ["b", "late"]],
    [undefined, ["other"]],
  ]);
});
