import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Limits, StopReason } from "../../../src/rollout/schedule.ts";
import {
  advanceWaves,
  isRunOver,
  newWaveSchedule,
  type WaveChecks,
  type WaveEvent,
  type WaveIds,
  type WaveSchedule,
  type WaveTask,
} from "../../../src/rollout/wave-schedule.ts";

const TICK: WaveEvent = { type: "tick" };
const ended = (id: string, failed = false): WaveEvent => ({ type: "ended", id, failed });
const soaked = (wave: number): WaveEvent => ({ type: "soaked", wave });
const answered = (wave: number): WaveEvent => ({ type: "answered", wave });
const stop = (reason: StopReason): WaveEvent => ({ type: "stop", reason });

const WIDE: Limits = {
  maxParallel: 2,
  maxFailures: 1,
  maxPods: undefined,
  pause: 0,
  deadline: undefined,
};
const ALL: WaveChecks = { soak: true, gate: true };
const NONE: WaveChecks = { soak: false, gate: false };

/** Waves from texts such as `ab` and `c+w`, in which `w` is a rollout that the run waits for. */
function wavesOf(...texts: readonly string[]): readonly WaveIds[] {
  return texts.map((text) => {
    const [steps = "", waits = ""] = text.split("+");
    return { steps: steps.split("").map((id) => ({ id, pods: 1 })), waits: waits.split("") };
  });
}

/** The starts and the tasks after each event, such as `ab` and `ask-gate 1`. */
function play(given: WaveSchedule, events: readonly (WaveEvent | [WaveEvent, number])[]) {
  let state = given;
  const seen = events.map((entry) => {
    const [event, now] = Array.isArray(entry) ? entry : [entry, 0];
    const [next, { start, task }] = advanceWaves(state, event, now);
    state = next;
    return [start.join(""), ...(task ? [`${task.kind} ${task.wave}`] : [])].join(" ").trim();
  });
  return { seen, state };
}

describe("waves", () => {
  test("start once the wave before has ended, soaked and passed its gate", () => {
    const { seen, state } = play(newWaveSchedule(wavesOf("a", "bc"), WIDE, ALL), [
      TICK,
      ended("a"),
      soaked(1),
      answered(1),
      ended("c"),
      ended("b"),
      soaked(2),
      answered(2),
    ]);
    expect(seen).toEqual(["a", "soak 1", "ask-gate 1", "bc", "", "soak 2", "ask-gate 2", ""]);
    expect(isRunOver(state)).toBe(true);
  });

  test("without checks follow each other at once", () => {
    const { seen, state } = play(newWaveSchedule(wavesOf("ab", "c"), WIDE, NONE), [
      TICK,
      ended("a"),
      ended("b"),
      ended("c"),
    ]);
    expect(seen).toEqual(["ab", "", "c", ""]);
    expect(isRunOver(state)).toBe(true);
  });

  test("that an earlier run finished are not repeated, but the last gate is asked again", () => {
    const waves = wavesOf("", "", "cd");
    expect(play(newWaveSchedule(waves, WIDE, ALL), [TICK, answered(2)]).seen).toEqual([
      "ask-gate 2",
      "cd",
    ]);
    expect(play(newWaveSchedule(waves, WIDE, ALL, true), [TICK, soaked(2)]).seen).toEqual([
      "soak 2",
      "ask-gate 2",
    ]);
  });

  test("wait for rollouts of an earlier run, which count for --max-failures", () => {
    const waves = wavesOf("+w", "b");
    const { seen } = play(newWaveSchedule(waves, WIDE, ALL), [TICK, ended("w")]);
    expect(seen).toEqual(["", "soak 1"]);
    const failed = play(newWaveSchedule(waves, WIDE, ALL), [TICK, ended("w", true)]).state;
    expect([failed.schedule.stopped, isRunOver(failed)]).toEqual(["failures", true]);
  });

  test("ignore an event of another wave or phase", () => {
    const { seen } = play(newWaveSchedule(wavesOf("a", "b"), WIDE, ALL), [
      TICK,
      answered(1),
      soaked(1),
      soaked(2),
      ended("a"),
      answered(1),
      soaked(2),
    ]);
    expect(seen).toEqual(["a", "", "", "", "soak 1", "", ""]);
  });

  test.each<[what: string, event: WaveEvent]>([
    ["a gate that refuses", stop("gate-refused")],
    ["a failure", ended("a", true)],
    ["an interrupt", stop("interrupted")],
  ])("end with %s", (_what, event) => {
    const { seen, state } = play(newWaveSchedule(wavesOf("a", "b"), WIDE, ALL), [
      TICK,
      event,
      ended("a"),
      soaked(1),
      answered(1),
    ]);
    expect(seen.slice(1)).toEqual(["", "", "", ""]);
    expect(isRunOver(state)).toBe(true);
  });

  test("end at a deadline that passes in a check, unless nothing is left to start", () => {
    const limits = { ...WIDE, deadline: 50 };
    const start: (WaveEvent | [WaveEvent, number])[] = [TICK, ended("a")];
    const between = play(newWaveSchedule(wavesOf("a", "b"), limits, ALL), start).state;
    expect(advanceWaves(between, TICK, 40)[1].wakeAt).toBe(50);
    expect(play(between, [[TICK, 50]]).state.schedule.stopped).toBe("deadline");
    const last = play(newWaveSchedule(wavesOf("a"), limits, ALL), start).state;
    expect(advanceWaves(last, TICK, 40)[1].wakeAt).toBeUndefined();
    expect(play(last, [[soaked(1), 60]]).seen).toEqual(["ask-gate 1"]);
  });
});

describe("for any order of events", () => {
  const ids = fc.uniqueArray(fc.integer({ min: 0, max: 20 }), { maxLength: 10 });
  const waves = fc
    .tuple(ids, fc.array(fc.tuple(fc.nat(3), fc.nat(2)), { minLength: 1, maxLength: 5 }))
    .map(([all, sizes]): readonly WaveIds[] => {
      const names = all.map((id) => `w${id}`);
      return sizes.map(([steps, waits]) => ({
        steps: names.splice(0, steps).map((id) => ({ id, pods: 1 })),
        waits: names.splice(0, waits),
      }));
    });
  const limits = fc.record({
    maxParallel: fc.integer({ min: 1, max: 4 }),
    maxFailures: fc.integer({ min: 1, max: 3 }),
    maxPods: fc.constant(undefined),
    pause: fc.constantFrom(0, 5),
    deadline: fc.option(fc.integer({ min: 0, max: 300 }), { nil: undefined }),
  });
  const checks = fc.record({ soak: fc.boolean(), gate: fc.boolean() });
  const wave = fc.integer({ min: 0, max: 5 });
  const event: fc.Arbitrary<WaveEvent> = fc.oneof(
    { weight: 2, arbitrary: fc.constant(TICK) },
    {
      weight: 8,
      arbitrary: fc
        .tuple(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 9 }))
        .map(([id, luck]) => ended(`w${id}`, luck === 0)),
    },
    { weight: 3, arbitrary: wave.map(soaked) },
    { weight: 3, arbitrary: wave.map(answered) },
    { weight: 1, arbitrary: fc.constantFrom(stop("gate-refused"), stop("interrupted")) },
  );

  test("no workload starts before the wave before has ended, soaked and passed its gate", () => {
    fc.assert(
      fc.property(
        waves,
        limits,
        checks,
        fc.boolean(),
        fc.array(fc.tuple(event, fc.nat(10)), { maxLength: 120 }),
        (all, limit, check, repeats, events) => {
          const waveOf = new Map(
            all.flatMap(({ steps }, index) => steps.map(({ id }) => [id, index + 1])),
          );
          const work = all.findIndex((one) => one.steps.length + one.waits.length > 0);
          const finished = work < 0 ? all.length : work;
          let state = newWaveSchedule(all, limit, check, repeats);
          let now = 0;
          const begun: string[] = [];
          const over = new Set<string>();
          /** The tasks whose end has come, independently of the state. */
          const done = new Set<string>();
          const open = new Set<string>();
          for (const [each, passed] of [[TICK, 0] as const, ...events]) {
            now += passed;
            const before = state;
            if (each.type === "ended") {
              const isWait = all.some(({ waits }) => waits.includes(each.id));
              if (isWait || begun.includes(each.id)) over.add(each.id);
            }
            const name = { soaked: "soak", answered: "ask-gate" };
            if (each.type in name && "wave" in each) {
              const key = `${name[each.type]} ${each.wave}`;
              if (open.has(key)) done.add(key);
            }
            const [next, { start, task, wakeAt }] = advanceWaves(before, each, now);
            state = next;
            if (task) open.add(`${task.kind} ${task.wave}`);
            expect(wakeAt === undefined || wakeAt > now).toBe(true);
            expect(before.schedule.stopped !== undefined && start.length > 0).toBe(false);
            expect(next.schedule.stopped !== undefined && task !== undefined).toBe(false);
            for (const id of start) {
              const own = waveOf.get(id) ?? 0;
              for (let earlier = 1; earlier < own; earlier += 1) {
                const { steps = [], waits = [] } = all[earlier - 1] ?? {};
                const members = [...steps.map((one) => one.id), ...waits];
                expect(members.every((one) => over.has(one))).toBe(true);
                const isChecked = earlier > finished || (earlier === finished && repeats);
                const needed = [
                  ...(check.soak && isChecked ? [`soak ${earlier}`] : []),
                  ...(check.gate && earlier >= finished ? [`ask-gate ${earlier}`] : []),
                ];
                expect([...done]).toEqual(expect.arrayContaining(needed));
              }
            }
            begun.push(...start);
          }
          expect(new Set(begun).size).toBe(begun.length);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("a run ends if all its restarts, rollouts and checks end", () => {
    fc.assert(
      fc.property(waves, limits, checks, fc.boolean(), (all, limit, check, repeats) => {
        let now = 0;
        let state = newWaveSchedule(all, limit, check, repeats);
        const waits = all.flatMap((one) => one.waits);
        let task: WaveTask | undefined;
        let coming: WaveEvent = TICK;
        for (let turn = 0; turn < 200 && !isRunOver(state); turn += 1) {
          const [next, actions] = advanceWaves(state, coming, now);
          state = next;
          ({ task } = actions);
          const rolling = state.schedule.rolling[0]?.id;
          const wait = waits.find((id) => state.left.has(id));
          if (task !== undefined) coming = END[task.kind](task.wave);
          else if (rolling !== undefined) coming = ended(rolling);
          else if (wait !== undefined) coming = ended(wait);
          else [coming, now] = [TICK, Math.max(now, actions.wakeAt ?? now)];
        }
        expect(isRunOver(state)).toBe(true);
        const { waiting, stopped } = state.schedule;
        expect(waiting.length === 0 || stopped === "deadline").toBe(true);
      }),
    );
  });
});

const END: Readonly<Record<WaveTask["kind"], (wave: number) => WaveEvent>> = {
  soak: soaked,
  "ask-gate": answered,
};
