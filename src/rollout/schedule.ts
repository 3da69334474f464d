/** The pace of a run: a state machine without clock, cluster or promise. */
export interface Schedule {
  readonly waiting: readonly Entry[];
  readonly rolling: readonly Entry[];
  readonly failures: number;
  /** The time at which the last workload got its turn, in milliseconds since the epoch. */
  readonly lastStart: number | undefined;
  /** The time of the last permission to send a patch, in milliseconds since the epoch. */
  readonly lastPatch: number | undefined;
  /** The number of waves whose workloads may start. */
  readonly openWaves: number;
  /** The reason why nothing new starts; `undefined` if the run is not stopped. */
  readonly stopped: StopReason | undefined;
  readonly limits: Limits;
}

export interface Entry {
  readonly id: string;
  /** The number of new pods that the workload may have in flight. */
  readonly pods: number;
  /** The number of the wave, which is 1 for the first. Absent if the run has no waves. */
  readonly wave?: number;
}

export interface Limits {
  /** The number of workloads that may roll at the same time. */
  readonly maxParallel: number;
  /** The number of new pods that may be in flight; `undefined` for no limit. */
  readonly maxPods: number | undefined;
  /** The number of failures after which nothing new starts. */
  readonly maxFailures: number;
  /** The minimum time between two patches, and between two turns, in milliseconds. */
  readonly pause: number;
  /** The time after which nothing new starts, in milliseconds since the epoch. */
  readonly deadline: number | undefined;
}

export type StopReason =
  | "failures"
  | "run-stopped"
  | "target-moved"
  | "deadline"
  | "interrupted"
  | "login-expired"
  | "permission-lost"
  | "lease-lost"
  | "not-labelled"
  | "label-changed"
  | WaveStopReason;

/** The reasons between two waves why the next one does not start. */
export type WaveStopReason = "soak-failed" | "soak-unread" | "gate-refused" | "gate-unanswered";

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

/** @param openWaves the number of waves whose workloads may start from the beginning. */
export function newSchedule(
  entries: readonly Entry[],
  limits: Limits,
  openWaves = Infinity,
): Schedule {
  return {
    waiting: entries,
    rolling: [],
    openWaves,
    failures: 0,
    lastStart: undefined,
    lastPatch: undefined,
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
    const restAfter = pauseEnd(next, next.lastStart);
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
 * Asked just before a patch. The run may have been stopped while the workload was read, or waited for
 * a control plane or a rollout. Workloads that waited for the same thing must not all be patched at
 * once, and one that is read fast must not come too close to one that was read slowly: the pause
 * counts from the last patch, not only from turn to turn.
 */
export function requestStart(
  schedule: Schedule,
  now: number,
): readonly [Schedule, StartPermission] {
  const current = atTime(schedule, now);
  const { stopped } = current;
  if (stopped !== undefined) return [current, { kind: "stopped", reason: stopped }];
  const time = pauseEnd(current, current.lastPatch);
  if (time !== undefined && now < time) return [current, { kind: "not-before", time }];
  return [{ ...current, lastPatch: now }, { kind: "granted" }];
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

function mayStart({ waiting, rolling, openWaves, stopped, limits }: Schedule): boolean {
  const [first] = waiting;
  if (first === undefined || stopped !== undefined) return false;
  if ((first.wave ?? 1) > openWaves) return false;
  if (rolling.length >= limits.maxParallel) return false;
  const pods = rolling.reduce((sum, entry) => sum + entry.pods, first.pods);
  return rolling.length === 0 || pods <= (limits.maxPods ?? Infinity);
}

function pauseEnd({ limits }: Schedule, last: number | undefined): number | undefined {
  return last === undefined || limits.pause === 0 ? undefined : last + limits.pause;
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
