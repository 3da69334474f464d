import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  advance,
  type Entry,
  isOver,
  type Limits,
  newSchedule,
  requestStart,
  type Schedule,
  type ScheduleEvent,
  type StopReason,
} from "../../../src/rollout/schedule.ts";

const TICK: ScheduleEvent = { type: "tick" };
const ended = (id: string, failed = false): ScheduleEvent => ({ type: "ended", id, failed });
const stop = (reason: StopReason): ScheduleEvent => ({ type: "stop", reason });

const WIDE: Limits = {
  maxParallel: 2,
  maxFailures: 1,
  maxPods: undefined,
  pause: 0,
  deadline: undefined,
};

function scheduleOf(ids: string, limits: Partial<Limits> = {}, pods = 1): Schedule {
  const entries = ids.split("").map((id) => ({ id, pods }));
  return newSchedule(entries, { ...WIDE, ...limits });
}

/** An event, and when it comes. */
type Timed = readonly [event: ScheduleEvent, at: number];

/** The starts and the wake-up time after each event, and the schedule at the end. */
function play(schedule: Schedule, events: readonly (ScheduleEvent | Timed)[]) {
  const started: string[] = [];
  const wakes: (number | undefined)[] = [];
  let state = schedule;
  for (const entry of events) {
    const [event, at] = "type" in entry ? [entry, 0] : entry;
    const [next, { start, wakeAt }] = advance(state, event, at);
    started.push(start.join(""));
    wakes.push(wakeAt);
    state = next;
  }
  return { started, wakes, schedule: state };
}

describe("the schedule", () => {
  const three = scheduleOf("abc");

  test.each<[what: string, events: ScheduleEvent[], started: string[]]>([
    ["starts as many workloads as may roll, in order", [TICK], ["ab"]],
    ["starts the next workload after an end", [TICK, ended("b")], ["ab", "c"]],
    ["starts nothing if none is left", [TICK, ended("b"), ended("a")], ["ab", "c", ""]],
    ["starts nothing after a failure", [TICK, ended("a", true), ended("b")], ["ab", "", ""]],
    ["starts nothing after a stop", [TICK, stop("interrupted"), ended("a")], ["ab", "", ""]],
    [
      "starts nothing if it was stopped before the first start",
      [stop("interrupted"), TICK],
      ["", ""],
    ],
    ["does not count an end without a start", [TICK, ended("c", true)], ["ab", ""]],
    ["counts the end of a workload only once", [TICK, ended("a"), ended("a")], ["ab", "c", ""]],
  ])("%s", (_what, events, started) => {
    expect(play(three, events).started).toEqual(started);
  });

  test("continues below the limit of failures, and stops at it", () => {
    const schedule = scheduleOf("abcd", { maxParallel: 1, maxFailures: 2 });
    const first = play(schedule, [TICK, ended("a", true)]);
    expect(first.started).toEqual(["a", "b"]);
    expect(first.schedule.stopped).toBeUndefined();
    const second = play(first.schedule, [ended("b", true)]);
    expect(second.started).toEqual([""]);
    expect(second.schedule).toMatchObject({ stopped: "failures", waiting: [{ id: "c" }, {}] });
  });

  test("keeps the first reason to stop", () => {
    const events = [TICK, stop("run-stopped"), ended("a", true), stop("interrupted")];
    expect(play(three, events).schedule.stopped).toBe("run-stopped");
  });

  test("is over when nothing rolls and nothing may start", () => {
    expect(isOver(three)).toBe(false);
    expect(isOver(scheduleOf(""))).toBe(true);
    const stopped = play(three, [TICK, stop("interrupted"), ended("a")]).schedule;
    expect(isOver(stopped)).toBe(false);
    expect(isOver(play(stopped, [ended("b")]).schedule)).toBe(true);
  });

  test("is not changed by an event: the next one is a new value", () => {
    advance(three, TICK, 0);
    expect([three.waiting.length, three.rolling.length]).toEqual([3, 0]);
  });
});

describe("a limit of new pods in flight", () => {
  test("is kept, in order, below the limit of workloads", () => {
    const schedule = scheduleOf("abcd", { maxParallel: 4, maxPods: 5 }, 2);
    expect(play(schedule, [TICK, ended("a"), ended("b")]).started).toEqual(["ab", "c", "d"]);
  });

  test("lets a workload that exceeds it roll alone", () => {
    const entries = [
      { id: "small", pods: 1 },
      { id: "large", pods: 9 },
      { id: "last", pods: 1 },
    ];
    const schedule = newSchedule(entries, { ...WIDE, maxParallel: 4, maxPods: 3 });
    const { started } = play(schedule, [TICK, ended("small"), ended("large")]);
    expect(started).toEqual(["small", "large", "last"]);
  });
});

describe("a pause between restarts", () => {
  const schedule = scheduleOf("abc", { pause: 10 });

  test("starts one workload at a time, and returns the wake-up time", () => {
    const { started, wakes } = play(schedule, [
      [TICK, 100],
      [TICK, 105],
      [TICK, 110],
    ]);
    expect(started).toEqual(["a", "", "b"]);
    expect(wakes).toEqual([110, 110, undefined]);
  });

  test("applies after an early end, too", () => {
    const { started, wakes } = play(schedule, [
      [TICK, 100],
      [ended("a"), 103],
      [TICK, 110],
    ]);
    expect(started).toEqual(["a", "", "b"]);
    expect(wakes).toEqual([110, 110, 120]);
  });

  test("asks for no wake-up if nothing could start", () => {
    expect(play(scheduleOf("a", { pause: 10 }), [[TICK, 100]]).wakes).toEqual([undefined]);
    expect(play(schedule, [[TICK, 100], stop("interrupted")]).wakes).toEqual([110, undefined]);
  });
});

describe("a deadline", () => {
  const schedule = scheduleOf("abc", { maxParallel: 1, deadline: 50 });

  test("stops new starts, but not the workloads that are rolling", () => {
    const { started, schedule: late } = play(schedule, [
      [TICK, 0],
      [ended("a"), 49],
      [ended("b"), 50],
    ]);
    expect(started).toEqual(["a", "b", ""]);
    expect([late.stopped, isOver(late)]).toEqual(["deadline", true]);
  });

  test("does not stop a run in which everything has started", () => {
    const events: Timed[] = [
      [TICK, 0],
      [ended("a"), 60],
    ];
    expect(play(scheduleOf("a", { deadline: 50 }), events).schedule.stopped).toBeUndefined();
  });
});

describe("permission to send the patch", () => {
  const going = play(scheduleOf("ab", { pause: 10, deadline: 50 }), [
    [TICK, 0],
    [TICK, 10],
  ]).schedule;

  test("is granted until the run is stopped", () => {
    expect(requestStart(going, 11)).toEqual([{ ...going, lastPatch: 11 }, { kind: "granted" }]);
    const stopped = play(going, [[stop("interrupted"), 12]]).schedule;
    expect(requestStart(stopped, 13)[1]).toEqual({ kind: "stopped", reason: "interrupted" });
  });

  test("is denied from the deadline on, and the run stops for the deadline", () => {
    const [next, permission] = requestStart(going, 50);
    expect(permission).toEqual({ kind: "stopped", reason: "deadline" });
    expect(next.stopped).toBe("deadline");
  });

  test.for([
    ["that waited for the same thing", [30, 31], [30, 40]],
    ["if the first was read slowly", [9, 11], [9, 19]],
    ["if the first was read fast", [1, 19], [1, 19]],
  ] as const)("keeps the pause between two workloads %s", ([, asked, patched]) => {
    let schedule = going;
    const times = asked.map((at) => {
      for (let now: number = at; ;) {
        const [next, permission] = requestStart(schedule, now);
        schedule = next;
        if (permission.kind !== "not-before") return now;
        now = permission.time;
      }
    });
    expect(times).toEqual(patched);
  });

  test("needs no pause by default", () => {
    const [next] = requestStart(scheduleOf("ab"), 5);
    expect(requestStart(next, 5)[1]).toEqual({ kind: "granted" });
  });
});

describe("for any order of events", () => {
  const entries: fc.Arbitrary<Entry[]> = fc
    .uniqueArray(fc.integer({ min: 0, max: 30 }), { maxLength: 12 })
    .chain((ids) =>
      fc.tuple(...ids.map((id) => fc.record({ id: fc.constant(`w${id}`), pods: fc.nat(6) }))),
    );
  const limits: fc.Arbitrary<Limits> = fc.record({
    maxParallel: fc.integer({ min: 1, max: 5 }),
    maxFailures: fc.integer({ min: 1, max: 4 }),
    maxPods: fc.option(fc.integer({ min: 1, max: 8 }), { nil: undefined }),
    pause: fc.constantFrom(0, 5, 20),
    deadline: fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined }),
  });
  const anyId = fc.integer({ min: 0, max: 30 }).map((number) => `w${number}`);
  const event: fc.Arbitrary<ScheduleEvent> = fc.oneof(
    { weight: 3, arbitrary: fc.constant(TICK) },
    {
      weight: 8,
      arbitrary: fc.tuple(anyId, fc.boolean()).map(([id, failed]) => ended(id, failed)),
    },
    { weight: 1, arbitrary: fc.constantFrom(stop("interrupted"), stop("run-stopped")) },
  );
  const timed = fc.tuple(event, fc.nat(15));

  test("the limits apply, nothing starts after a stop or twice, and no workload is lost", () => {
    fc.assert(
      fc.property(entries, limits, fc.array(timed, { maxLength: 60 }), (all, limit, events) => {
        let schedule = newSchedule(all, limit);
        let now = 0;
        const started: string[] = [];
        const starts: number[] = [];
        for (const [each, passed] of events) {
          now += passed;
          const before = schedule;
          const [next, { start, wakeAt }] = advance(before, each, now);
          schedule = next;
          started.push(...start);
          starts.push(...start.map(() => now));
          const pods = schedule.rolling.reduce((sum, entry) => sum + entry.pods, 0);
          expect(schedule.rolling.length).toBeLessThanOrEqual(limit.maxParallel);
          expect(pods <= (limit.maxPods ?? Infinity) || schedule.rolling.length === 1).toBe(true);
          expect(before.stopped !== undefined && start.length > 0).toBe(false);
          expect(now >= (limit.deadline ?? Infinity) && start.length > 0).toBe(false);
          expect(wakeAt === undefined || wakeAt > now).toBe(true);
          expect(schedule.failures >= limit.maxFailures && schedule.stopped === undefined).toBe(
            false,
          );
        }
        const gaps = starts.slice(1).map((at, index) => at - (starts[index] ?? at));
        expect(gaps.every((gap) => gap >= limit.pause)).toBe(true);
        expect(new Set(started).size).toBe(started.length);
        expect([...started, ...schedule.waiting.map(({ id }) => id)]).toEqual(
          all.map(({ id }) => id),
        );
      }),
      { numRuns: 500 },
    );
  });

  test("a run ends if all its starts end, with everything started or a reason to stop", () => {
    const turns = fc.infiniteStream(fc.record({ pick: fc.nat(), failed: fc.boolean() }));
    fc.assert(
      fc.property(entries, limits, turns, (all, limit, stream) => {
        let now = 0;
        let [schedule, { wakeAt }] = advance(newSchedule(all, limit), TICK, now);
        for (let turn = 0; turn < 3 * all.length && !isOver(schedule); turn += 1) {
          const { pick, failed } = stream.next().value;
          const entry = schedule.rolling[pick % schedule.rolling.length];
          now = entry === undefined ? (wakeAt ?? now) : now + 1;
          const next = entry === undefined ? TICK : ended(entry.id, failed);
          [schedule, { wakeAt }] = advance(schedule, next, now);
        }
        expect(isOver(schedule)).toBe(true);
        const excused = schedule.stopped === "failures" || schedule.stopped === "deadline";
        expect(schedule.waiting.length === 0 || excused).toBe(true);
      }),
    );
  });
});
