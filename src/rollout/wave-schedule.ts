import {
  type Actions,
  advance,
  atTime,
  type Entry,
  isOver,
  type Limits,
  newSchedule,
  type Schedule,
  type ScheduleEvent,
} from "./schedule.ts";

/** The work around a wave that a run has. */
export interface WaveChecks {
  readonly soak: boolean;
  readonly gate: boolean;
}

/** The ids of a wave: of the restarts, and of the rollouts that it only waits for. */
export interface WaveIds {
  readonly steps: readonly Entry[];
  readonly waits: readonly string[];
}

/**
 * The state of a run in waves: a state machine without clock, cluster or promise, above the schedule. No
 * workload of a wave starts before all workloads of the wave before have ended, and its soak and its gate
 * have passed.
 */
export interface WaveSchedule {
  readonly schedule: Schedule;
  readonly checks: WaveChecks;
  /** The number of waves, finished ones included. */
  readonly waves: number;
  /** The number of the present wave; 0 before the first one. */
  readonly wave: number;
  readonly phase: "rolling" | "soaking" | "soaked" | "asking" | "answered" | "over";
  /** The workloads that have not ended, with the numbers of their waves. */
  readonly left: ReadonlyMap<string, number>;
  /** The rollouts that the run only waits for. */
  readonly waits: ReadonlySet<string>;
  readonly failedWaits: number;
}

export type WaveEvent =
  | ScheduleEvent
  /** The soak of the wave has passed. One that fails is a stop. */
  | { readonly type: "soaked"; readonly wave: number }
  /** The gate of the wave has passed. One that does not pass is a stop. */
  | { readonly type: "answered"; readonly wave: number };

/** The work after the restarts of a wave. It ends with an event, or with a stop. */
export interface WaveTask {
  readonly kind: "soak" | "ask-gate";
  readonly wave: number;
}

export interface WaveActions extends Actions {
  /** The work to begin now; `undefined` if none begins. */
  readonly task: WaveTask | undefined;
}

/**
 * Returns the state before the first event, which is a tick.
 *
 * @param waves all waves in order. Those that an earlier run finished are empty: the gate of the last one
 *   is asked again before the first restart.
 * @param repeatsSoak true if the soak of the last finished wave may not have ended.
 */
export function newWaveSchedule(
  waves: readonly WaveIds[],
  limits: Limits,
  checks: WaveChecks,
  repeatsSoak = false,
): WaveSchedule {
  const left = new Map<string, number>();
  for (const [index, { steps, waits }] of waves.entries()) {
    for (const id of [...steps.map((entry) => entry.id), ...waits]) left.set(id, index + 1);
  }
  const firstWithWork = waves.findIndex(({ steps, waits }) => steps.length + waits.length > 0);
  const finished = firstWithWork < 0 ? waves.length : firstWithWork;
  const entries = waves.flatMap(({ steps }, index) =>
    steps.map((entry) => ({ ...entry, wave: index + 1 })),
  );
  return {
    schedule: newSchedule(entries, limits, 0),
    checks,
    waves: waves.length,
    wave: finished,
    phase: repeatsSoak ? "rolling" : "soaked",
    left,
    waits: new Set(waves.flatMap((wave) => wave.waits)),
    failedWaits: 0,
  };
}

/**
 * Returns the new state after an event, and the actions. An event that does not belong to the present
 * phase counts as a tick.
 *
 * @param now milliseconds since the epoch; never less than at the event before.
 */
export function advanceWaves(
  state: WaveSchedule,
  event: WaveEvent,
  now: number,
): readonly [WaveSchedule, WaveActions] {
  const [schedule, actions] = advance(state.schedule, scheduleEvent(event), now);
  const [next, task] = settle(afterEvent({ ...state, schedule }, event), now);
  // The workloads of a wave start together with the wave.
  const [opened, { start, wakeAt }] =
    next.schedule.openWaves > schedule.openWaves
      ? advance(next.schedule, TICK, now)
      : [next.schedule, actions];
  const result = { ...next, schedule: opened };
  return [result, { start, wakeAt: wakeAt ?? deadlineBetweenWaves(result), task }];
}

const TICK: ScheduleEvent = { type: "tick" };

function scheduleEvent(event: WaveEvent): ScheduleEvent {
  return event.type === "soaked" || event.type === "answered" ? TICK : event;
}

function afterEvent(state: WaveSchedule, event: WaveEvent): WaveSchedule {
  const isNow = (phase: WaveSchedule["phase"]) =>
    "wave" in event && event.wave === state.wave && state.phase === phase;
  switch (event.type) {
    case "tick":
    case "stop":
      return state;
    case "ended":
      return afterEnd(state, event);
    case "soaked":
      return isNow("soaking") ? { ...state, phase: "soaked" } : state;
    case "answered":
      return isNow("asking") ? { ...state, phase: "answered" } : state;
  }
}

/** A rollout that the run only waits for counts for `--max-failures`, if a later wave depends on it. */
function afterEnd(
  state: WaveSchedule,
  { id, failed }: Extract<WaveEvent, { readonly type: "ended" }>,
): WaveSchedule {
  if (!state.left.has(id)) return state;
  const left = new Map(state.left);
  left.delete(id);
  const { checks, schedule, waves } = state;
  const counts = state.waits.has(id) && failed && (checks.soak || checks.gate || waves > 1);
  const failedWaits = state.failedWaits + (counts ? 1 : 0);
  const isFull = schedule.failures + failedWaits >= schedule.limits.maxFailures;
  const stopped = schedule.stopped ?? (failedWaits > 0 && isFull ? "failures" : undefined);
  return { ...state, left, failedWaits, schedule: { ...schedule, stopped } };
}

/** Moves to the next phase that waits for something. */
function settle(given: WaveSchedule, now: number): readonly [WaveSchedule, WaveTask | undefined] {
  const { phase, wave, waves, checks, left } = given;
  if (phase === "over") return [given, undefined];
  if (phase === "rolling" && [...left.values()].includes(wave)) return [given, undefined];
  // No restart can follow a check that ends after the deadline.
  const isLast = given.schedule.waiting.length === 0;
  const state = isLast ? given : { ...given, schedule: atTime(given.schedule, now) };
  if (state.schedule.stopped !== undefined) return [state, undefined];
  switch (phase) {
    case "soaking":
    case "asking":
      return [state, undefined];
    case "rolling":
      return checks.soak && wave > 0
        ? begin(state, "soaking", "soak")
        : settle({ ...state, phase: "soaked" }, now);
    case "soaked":
      return checks.gate && wave > 0
        ? begin(state, "asking", "ask-gate")
        : settle({ ...state, phase: "answered" }, now);
    case "answered": {
      if (wave === waves) return [{ ...state, phase: "over" }, undefined];
      const next = { ...state, wave: wave + 1 };
      const schedule = { ...next.schedule, openWaves: next.wave };
      return settle({ ...next, phase: "rolling", schedule }, now);
    }
  }
}

function begin(
  state: WaveSchedule,
  phase: WaveSchedule["phase"],
  kind: WaveTask["kind"],
): readonly [WaveSchedule, WaveTask] {
  return [
    { ...state, phase },
    { kind, wave: state.wave },
  ];
}

/** Returns the deadline if it may pass while no workload rolls. */
function deadlineBetweenWaves({ phase, schedule }: WaveSchedule): number | undefined {
  const { stopped, waiting, limits } = schedule;
  const isBetween = phase === "soaking" || phase === "asking";
  return isBetween && stopped === undefined && waiting.length > 0 ? limits.deadline : undefined;
}

/** True if nothing is rolling, nothing will start, and no check is left. */
export function isRunOver({ schedule, phase }: WaveSchedule): boolean {
  return schedule.stopped === undefined
    ? phase === "over" && schedule.rolling.length === 0
    : isOver(schedule);
}
