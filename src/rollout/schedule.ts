/** The pace of a run: a state machine without clock, cluster or promise. */
export interface Schedule {
  readonly waiting: readonly Entry[];
  readonly rolling: readonly Entry[];
  readonly failures: number;
  /** The time of the last start, in milliseconds since the epoch. */
  readonly lastStart: number | undefined;
  /** The reason why nothing new starts; `undefined` if the run is not stopped. */
  readonly stopped: StopReason | undefined;
  readonly limits: Limits;
}

export interface Entry {
  readonly id: string;
  /** The number of new pods that the workload may have in flight. */
  readonly pods: number;
}

export interface Limits {
  /** The number of workloads that may roll at the same time. */
  readonly maxParallel: number;
  /** The number of new pods that may be in flight; `undefined` for no limit. */
  readonly maxPods: number | undefined;
  /** The number of failures after which nothing new starts. */
  readonly maxFailures: number;
  /** The minimum time between two starts, in milliseconds. */
  readonly pause: number;
  /** The time after which nothing new starts, in milliseconds since the epoch. */
  readonly deadline: number | undefined;
}

export type StopReason = "failures" | "run-stopped" | "target-moved" | "deadline" | "interrupted";

export type ScheduleEvent =
  /** Time has passed; also the first event of all. */
  | { readonly type: "tick" }
  | { readonly type: "ended"; readonly id: string; readonly failed: boolean }
  | { readonly type: "stop"; readonly reason: StopReason };

export interface Actions {
  /** The ids of the workloads to start now. */
  readonly start: readonly string[];
  /** The time of the next tick if nothing happens before; `undefined` if time changes nothing. */
  readonly wakeAt: number | undefined;
}

export function newSchedule(entries: readonly Entry[], limits: Limits): Schedule {
  return {
    waiting: entries,
    rolling: [],
    failures: 0,
    lastStart: undefined,
    stopped: undefined,
    limits,
  };
}

/**
 * Returns the new state after an event, and what to do. Never more workloads or pods are in flight
 * than the limits allow, no id starts twice, and nothing starts after a stop. The order is kept: a
 * workload that does not fit delays those behind it, and one with more pods than `maxPods` rolls
 * alone.
 *
 * @param now milliseconds since the epoch; never less than at the event before.
 */
export function advance(
  schedule: Schedule,
  event: ScheduleEvent,
  now: number,
): readonly [Schedule, Actions] {
  let next = applied(schedule, event);
  const start: string[] = [];
  while (mayStart(next)) {
    next = atTime(next, now);
    if (next.stopped !== undefined) break;
    const restAfter = pauseEnd(next);
    if (restAfter !== undefined && now < restAfter) return [next, { start, wakeAt: restAfter }];
    start.push(...next.waiting.slice(0, 1).map(({ id }) => id));
    next = withFirstStarted(next, now);
  }
  return [next, { start, wakeAt: undefined }];
}

/** The answer to a workload that has its turn and asks to send its patch. */
export type StartPermission =
  | { readonly kind: "granted" }
  /** The run was stopped: the workload must not be changed. */
  | { readonly kind: "stopped"; readonly reason: StopReason }
  /** Milliseconds since the epoch at which to ask again. */
  | { readonly kind: "not-before"; readonly time: number };

/**
 * Asked just before a patch. The run may have been stopped while the workload waited for a control
 * plane or a rollout, and workloads that waited for the same thing must not all start at once.
 *
 * @param waited true if the workload waited after its turn came: the pause then counts from the
 *   last patch.
 */
export function requestStart(
  schedule: Schedule,
  waited: boolean,
  now: number,
): readonly [Schedule, StartPermission] {
  const current = atTime(schedule, now);
  const { stopped } = current;
  if (stopped !== undefined) return [current, { kind: "stopped", reason: stopped }];
  if (!waited) return [current, { kind: "granted" }];
  const time = pauseEnd(current);
  if (time !== undefined && now < time) return [current, { kind: "not-before", time }];
  return [{ ...current, lastStart: now }, { kind: "granted" }];
}

/** Returns the schedule at a time: after its deadline it is stopped. */
export function atTime(schedule: Schedule, now: number): Schedule {
  if (schedule.stopped !== undefined || now < (schedule.limits.deadline ?? Infinity)) {
    return schedule;
  }
  return { ...schedule, stopped: "deadline" };
}

function withFirstStarted(schedule: Schedule, now: number): Schedule {
  const { waiting, rolling } = schedule;
  return {
    ...schedule,
    waiting: waiting.slice(1),
    rolling: [...rolling, ...waiting.slice(0, 1)],
    lastStart: now,
  };
}

function mayStart({ waiting, rolling, stopped, limits }: Schedule): boolean {
  const [first] = waiting;
  if (first === undefined || stopped !== undefined) return false;
  if (rolling.length >= limits.maxParallel) return false;
  const pods = rolling.reduce((sum, entry) => sum + entry.pods, first.pods);
  return rolling.length === 0 || pods <= (limits.maxPods ?? Infinity);
}

function pauseEnd({ lastStart, limits }: Schedule): number | undefined {
  return lastStart === undefined || limits.pause === 0 ? undefined : lastStart + limits.pause;
}

function applied(schedule: Schedule, event: ScheduleEvent): Schedule {
  switch (event.type) {
    case "tick":
      return schedule;
    case "stop":
      return { ...schedule, stopped: schedule.stopped ?? event.reason };
    case "ended": {
      const rolling = schedule.rolling.filter(({ id }) => id !== event.id);
      if (rolling.length === schedule.rolling.length) return schedule;
      const failures = schedule.failures + (event.failed ? 1 : 0);
      const full = event.failed && failures >= schedule.limits.maxFailures;
      const stopped = schedule.stopped ?? (full ? "failures" : undefined);
      return { ...schedule, rolling, failures, stopped };
    }
  }
}

/** True if nothing is rolling and nothing will start. */
export function isOver({ waiting, rolling, stopped }: Schedule): boolean {
  return rolling.length === 0 && (waiting.length === 0 || stopped !== undefined);
}
