import { expect, test } from "vitest";
import { isStalled, noteCount, noteState, startStall } from "../../../src/rollout/stall.ts";

test("is stalled from the timeout on", () => {
  const stall = startStall(100);
  expect([99, 100].map((passed) => isStalled(stall, 100, 100 + passed))).toEqual([false, true]);
});

test("any change of state is progress", () => {
  const first = noteState(startStall(0), "a", 10);
  expect(first.since).toBe(10);
  expect(noteState(first, "a", 20)).toBe(first);
  const second = noteState(first, "b", 30);
  expect(second.since).toBe(30);
  expect(noteState(second, "a", 40).since).toBe(40);
});

test("only a count higher than ever before is progress", () => {
  const counts = [0, 0, 2, 1, 2, 3];
  let stall = startStall<number>(0);
  const since = counts.map((count, index) => {
    stall = noteCount(stall, count, (index + 1) * 10);
    return stall.since;
  });
  expect(since).toEqual([10, 10, 30, 30, 30, 60]);
});
