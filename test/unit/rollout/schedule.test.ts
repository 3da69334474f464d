import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  advance,
  isOver,
  newSchedule,
  type Schedule,
  type ScheduleEvent,
  type StopReason,
} from "../../../src/rollout/schedule.ts";

const BEGIN: ScheduleEvent = { type: "begin" };
const ended = (id: string, failed = false): ScheduleEvent => ({ type: "ended", id, failed });
const stop = (reason: StopReason): ScheduleEvent => ({ type: "stop", reason });

/** What each event starts, and the schedule at the end. */
function play(schedule: Schedule, events: readonly ScheduleEvent[]) {
  const started: (readonly string[])[] = [];
  let now = schedule;
  for (const event of events) {
    const [next, start] = advance(now, event);
    started.push(start);
    now = next;
  }
  return { started, schedule: now };
}

describe("the schedule", () => {
  const three = newSchedule(["a", "b", "c"], { maxParallel: 2, maxFailures: 1 });

  test.each<[what: string, events: ScheduleEvent[], started: string[][]]>([
    ["starts as many as may roll, in order", [BEGIN], [["a", "b"]]],
    ["starts the next when one ended", [BEGIN, ended("b")], [["a", "b"], ["c"]]],
    ["starts nothing when none is left", [BEGIN, ended("b"), ended("a")], [["a", "b"], ["c"], []]],
    ["starts nothing after a failure", [BEGIN, ended("a", true), ended("b")], [["a", "b"], [], []]],
    ["starts nothing after a stop", [BEGIN, stop("interrupted"), ended("a")], [["a", "b"], [], []]],
    ["starts nothing where it was stopped before it began", [stop("interrupted"), BEGIN], [[], []]],
    ["does not count what it never started", [BEGIN, ended("c", true)], [["a", "b"], []]],
    ["counts the end of one only once", [BEGIN, ended("a"), ended("a")], [["a", "b"], ["c"], []]],
  ])("%s", (_what, events, started) => {
    expect(play(three, events).started).toEqual(started);
  });

  test("goes on below the limit of failures, and stops at it", () => {
    const schedule = newSchedule(["a", "b", "c", "d"], { maxParallel: 1, maxFailures: 2 });
    const first = play(schedule, [BEGIN, ended("a", true)]);
    expect(first.started).toEqual([["a"], ["b"]]);
    expect(first.schedule.stopped).toBeUndefined();
    const second = play(first.schedule, [ended("b", true)]);
    expect(second.started).toEqual([[]]);
    expect(second.schedule).toMatchObject({ stopped: "failures", waiting: ["c", "d"] });
  });

  test("keeps the first reason to stop", () => {
    const { schedule } = play(three, [
      BEGIN,
      stop("sidecar-lost"),
      ended("a", true),
      stop("interrupted"),
    ]);
    expect(schedule.stopped).toBe("sidecar-lost");
  });

  test("is over when nothing rolls and nothing may start", () => {
    expect(isOver(three)).toBe(false);
    expect(isOver(newSchedule([], three.limits))).toBe(true);
    const stopped = play(three, [BEGIN, stop("interrupted"), ended("a")]).schedule;
    expect(isOver(stopped)).toBe(false);
    expect(isOver(play(stopped, [ended("b")]).schedule)).toBe(true);
  });

  test("is not changed by an event: the next one is a new value", () => {
    advance(three, BEGIN);
    expect([three.waiting, three.rolling.size]).toEqual([["a", "b", "c"], 0]);
  });
});

describe("whatever the order of events", () => {
  const ids = fc
    .uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 12 })
    .map((numbers) => numbers.map((number) => `w${number}`));
  const limits = fc.record({
    maxParallel: fc.integer({ min: 1, max: 5 }),
    maxFailures: fc.integer({ min: 1, max: 4 }),
  });
  const anyId = fc.integer({ min: 0, max: 30 }).map((number) => `w${number}`);
  const event = fc.oneof(
    { weight: 2, arbitrary: fc.constant<ScheduleEvent>(BEGIN) },
    {
      weight: 8,
      arbitrary: fc.record({
        type: fc.constant("ended" as const),
        id: anyId,
        failed: fc.boolean(),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant("stop" as const),
        reason: fc.constantFrom<StopReason[]>("interrupted", "sidecar-lost"),
      }),
    },
  );

  test("the limits hold, nothing starts after a stop or twice, and nothing is forgotten", () => {
    fc.assert(
      fc.property(ids, limits, fc.array(event, { maxLength: 60 }), (names, limit, events) => {
        let schedule = newSchedule(names, limit);
        const started: string[] = [];
        for (const each of events) {
          const before = schedule;
          const [next, start] = advance(before, each);
          schedule = next;
          started.push(...start);
          expect(schedule.rolling.size).toBeLessThanOrEqual(limit.maxParallel);
          expect(before.stopped !== undefined && start.length > 0).toBe(false);
          expect(schedule.stopped !== undefined && start.length > 0).toBe(false);
          expect(schedule.failures >= limit.maxFailures && schedule.stopped === undefined).toBe(
            false,
          );
        }
        expect(new Set(started).size).toBe(started.length);
        expect([...started, ...schedule.waiting]).toEqual(names);
      }),
      { numRuns: 500 },
    );
  });

  test("a run whose every start ends comes to its end, with all started or a reason why not", () => {
    const turns = fc.infiniteStream(fc.record({ pick: fc.nat(), failed: fc.boolean() }));
    fc.assert(
      fc.property(ids, limits, turns, (names, limit, stream) => {
        let [schedule] = advance(newSchedule(names, limit), BEGIN);
        for (let turn = 0; turn < names.length && !isOver(schedule); turn += 1) {
          const { pick, failed } = stream.next().value;
          const rolling = [...schedule.rolling];
          [schedule] = advance(schedule, ended(rolling[pick % rolling.length] ?? "", failed));
        }
        expect(isOver(schedule)).toBe(true);
        const excused = schedule.waiting.length === 0 || schedule.stopped === "failures";
        expect(excused).toBe(true);
      }),
    );
  });
});
