import { describe, expect, test } from "vitest";
import {
  type Grace,
  isHinderedTooLong,
  isStalled,
  noteFailures,
  noteHindrance,
  noteReady,
  noteReport,
  type Stall,
  startStall,
} from "../../../src/rollout/stall.ts";

test("is stalled from the timeout on", () => {
  const stall = startStall(100);
  expect([99, 100].map((passed) => isStalled(stall, 100, 100 + passed))).toEqual([false, true]);
});

test("only more ready pods than ever before are progress", () => {
  const counts = [0, 0, 2, 1, 2, 3];
  let stall = startStall(0);
  const since = counts.map((count, index) => {
    stall = noteReady(stall, count, (index + 1) * 10);
    return stall.since;
  });
  expect(since).toEqual([10, 10, 30, 30, 30, 60]);
});

describe("after a pod became ready, which is available 25 ms later", () => {
  test.each<[rule: string, reads: readonly (readonly [at: number, ready: number])[], end: number]>([
    ["the timeout begins when it is available", [[10, 1]], 45],
    [
      "the timeout of the next pod begins then, too",
      [
        [10, 1],
        [34, 1],
        [40, 2],
      ],
      75,
    ],
    [
      "it has to become ready again if it was unready before, and that is no progress",
      [
        [10, 1],
        [20, 0],
        [24, 1],
      ],
      20,
    ],
    [
      "it was available, even if it becomes unready later",
      [
        [10, 1],
        [40, 0],
      ],
      45,
    ],
    ["no pod is available later if none is ready", [[10, 0]], 20],
  ])("%s", (_rule, reads, end) => {
    let stall = startStall(0);
    for (const [at, ready] of reads) stall = noteReady(stall, ready, at, 25);
    expect([end - 1, end].map((now) => isStalled(stall, 10, now))).toEqual([false, true]);
  });
});

const QUOTA: Grace = { code: "quota", grace: 30, resolving: false };
const ENDING: Grace = { ...QUOTA, resolving: true };
const OTHER: Grace = { code: "other", grace: 15, resolving: false };

/** True at each time at which the hindrance, which is new at 0, has lasted too long. */
function tooLong(events: readonly (readonly [at: number, Grace | undefined])[]) {
  let stall = noteReady(startStall(0), 1, 0);
  return events.map(([at, hindrance]) => {
    stall = noteHindrance(stall, hindrance, at);
    return hindrance !== undefined && isHinderedTooLong(stall, hindrance, at);
  });
}

describe("a hindrance", () => {
  test.each<[rule: string, Parameters<typeof tooLong>[0], boolean[]]>([
    [
      "is too long after its grace period",
      [
        [0, QUOTA],
        [29, QUOTA],
        [30, QUOTA],
      ],
      [false, false, true],
    ],
    [
      "has a grace period of its own after another one",
      [
        [0, QUOTA],
        [29, OTHER],
        [43, OTHER],
        [44, OTHER],
      ],
      [false, false, false, true],
    ],
    [
      "is forgotten once it has passed",
      [
        [0, QUOTA],
        [20, undefined],
        [40, QUOTA],
        [69, QUOTA],
        [70, QUOTA],
      ],
      [false, false, false, false, true],
    ],
    [
      "is never too long while it is about to resolve itself",
      [
        [0, ENDING],
        [1000, ENDING],
      ],
      [false, false],
    ],
    [
      "may then last as long again, because the next attempt comes by then",
      [
        [0, QUOTA],
        [1, ENDING],
        [45, ENDING],
        [46, QUOTA],
        [89, QUOTA],
        [90, QUOTA],
      ],
      [false, false, false, false, false, true],
    ],
    [
      "has at least its grace period then",
      [
        [0, ENDING],
        [5, ENDING],
        [34, QUOTA],
        [35, QUOTA],
      ],
      [false, false, false, true],
    ],
    [
      "that is final has no grace period",
      [[0, { code: "pod-failed", grace: 0, resolving: false }]],
      [true],
    ],
  ])("%s", (_rule, events, expected) => {
    expect(tooLong(events)).toEqual(expected);
  });

  test("has a new grace period after progress", () => {
    const before = noteHindrance(noteReady(startStall(0), 1, 0), QUOTA, 0);
    const after = noteHindrance(noteReady(before, 2, 29), QUOTA, 29);
    expect([58, 59].map((now) => isHinderedTooLong(after, QUOTA, now))).toEqual([false, true]);
  });
});

test("a report is new once since the last progress", () => {
  const [first, isFirst] = noteReport(noteReady(startStall(0), 1, 0), "a");
  const [second, isSecond] = noteReport(first, "b");
  expect([isFirst, isSecond]).toEqual([true, true]);
  expect(noteReport(second, "a")).toEqual([second, false]);
  expect(noteReport(noteReady(second, 2, 9), "a")[1]).toBe(true);
});

describe("pods that fail", () => {
  const REJECTED: Grace = { code: "pod-failed", grace: 30_000, resolving: true };
  const at = (stall: Stall, uids: readonly string[], now: number) => noteFailures(stall, uids, now);
  const isTooLong = (stall: Stall) => isHinderedTooLong(stall, REJECTED, 100_000);

  test("fail forever if another one fails after 30 s", () => {
    const early = at(at(startStall(0), ["a"], 1000), ["a", "b"], 30_000);
    expect(isTooLong(early)).toBe(false);
    expect(isTooLong(at(early, ["c"], 31_000))).toBe(true);
  });

  test("are replaced if none fails later, although they are still listed", () => {
    const storm = at(startStall(0), ["a", "b", "c"], 1000);
    expect(isTooLong(at(storm, ["a", "b", "c"], 60_000))).toBe(false);
  });

  test("are forgotten after progress", () => {
    const before = at(noteReady(startStall(0), 1, 0), ["a"], 1000);
    expect(isTooLong(at(noteReady(before, 2, 20_000), ["a", "b"], 40_000))).toBe(false);
  });
});
