/** Which restarts may start now: a state machine without clock, cluster or promise. */
export interface Schedule {
  readonly waiting: readonly string[];
  readonly rolling: ReadonlySet<string>;
  readonly failures: number;
  /** Set: nothing starts any more. */
  readonly stopped: StopReason | undefined;
  readonly limits: Limits;
}

export interface Limits {
  /** Workloads that roll at the same time. */
  readonly maxParallel: number;
  /** Failures after which nothing new starts. */
  readonly maxFailures: number;
}

export type StopReason = "failures" | "sidecar-lost" | "interrupted";

export type ScheduleEvent =
  | { readonly type: "begin" }
  | { readonly type: "ended"; readonly id: string; readonly failed: boolean }
  | { readonly type: "stop"; readonly reason: StopReason };

export function newSchedule(ids: readonly string[], limits: Limits): Schedule {
  return { waiting: ids, rolling: new Set(), failures: 0, stopped: undefined, limits };
}

/**
 * One event in; the new state, and the ids to start, out. Never more than `maxParallel` roll at the
 * same time, no id is started twice, and after a stop nothing starts.
 */
export function advance(
  schedule: Schedule,
  event: ScheduleEvent,
): readonly [Schedule, start: readonly string[]] {
  const next = applied(schedule, event);
  if (next.stopped !== undefined) return [next, []];
  const room = Math.max(0, next.limits.maxParallel - next.rolling.size);
  const start = next.waiting.slice(0, room);
  return [
    {
      ...next,
      waiting: next.waiting.slice(start.length),
      rolling: new Set([...next.rolling, ...start]),
    },
    start,
  ];
}

function applied(schedule: Schedule, event: ScheduleEvent): Schedule {
  switch (event.type) {
    case "begin":
      return schedule;
    case "stop":
      return { ...schedule, stopped: schedule.stopped ?? event.reason };
    case "ended": {
      if (!schedule.rolling.has(event.id)) return schedule;
      const rolling = new Set([...schedule.rolling].filter((id) => id !== event.id));
      const failures = schedule.failures + (event.failed ? 1 : 0);
      const full = event.failed && failures >= schedule.limits.maxFailures;
      return {
        ...schedule,
        rolling,
        failures,
        stopped: schedule.stopped ?? (full ? "failures" : undefined),
      };
    }
  }
}

/** Nothing rolls, and nothing will start. */
export function isOver(schedule: Schedule): boolean {
  return (
    schedule.rolling.size === 0 && (schedule.waiting.length === 0 || schedule.stopped !== undefined)
  );
}
