import { setMaxListeners } from "node:events";
import pLimit from "p-limit";
import { count } from "../../wording.ts";
import type { Plan } from "../../rollout/plan.ts";
import { isFailure, type StepResult, untouched } from "../../rollout/result.ts";
import {
  advance,
  atTime,
  isOver,
  newSchedule,
  requestStart,
  type Schedule,
  type ScheduleEvent,
  type StopReason,
} from "../../rollout/schedule.ts";
import { WHY_STOPPED } from "../../rollout/stop.ts";
import type { RestartSession } from "./restart-session.ts";
import { pollInterval } from "./request-limits.ts";
import { rollWorkload, type RunControl } from "./roll.ts";
import { awaitRestart, type Turns } from "./wait.ts";

export interface Run {
  /** One for every step, in the order of the plan. */
  readonly results: readonly StepResult[];
  /** The signal that came; of several the one that says more. */
  readonly signal: "SIGINT" | "SIGTERM" | undefined;
  /** Asked to report at once: something may still roll. */
  readonly aborted: boolean;
}

/** Codes after which nothing of this run can be trusted, whatever `--max-failures` says. */
const STOPS_THE_RUN: Readonly<Record<string, StopReason>> = {
  "sidecar-lost": "run-stopped",
  "other-image": "run-stopped",
  "target-moved": "target-moved",
};

/** Workloads waited for that are looked at in one interval of polling. */
const LOOKS_AT_A_TIME = 20;

/**
 * Carries out a plan at the asked pace, until it is done, stopped or interrupted.
 *
 * @param deadline when nothing starts any more.
 * @param record is told the results so far after every one of them.
 */
export async function runPlan(
  session: RestartSession,
  plan: Plan,
  deadline: Date | undefined,
  record: (soFar: readonly StepResult[]) => Promise<void>,
): Promise<Run> {
  const { settings, io, progress } = session;
  const steps = new Map(plan.steps.map((step) => [step.ref.uid, step]));
  const rolling = new Map<string, Promise<StepResult>>();
  const results = new Map<string, StepResult>();
  const abort = new AbortController();
  const interruption = new AbortController();
  const turns: Turns = {
    limit: pLimit(settings.maxParallel),
    interval: pollInterval(settings) * Math.max(1, plan.waits.length / LOOKS_AT_A_TIME),
  };
  setMaxListeners(0, abort.signal);
  let signal: Run["signal"];
  let wakeAt: number | undefined;
  let schedule = newSchedule(
    plan.steps.map(({ ref, podsAtOnce }) => ({ id: ref.uid, pods: podsAtOnce })),
    { ...settings, deadline: deadline?.getTime() },
  );

  const control: RunControl = {
    stopReason: () => {
      become(atTime(schedule, io.now().getTime()));
      return schedule.stopped;
    },
    requestStart: (waited) => {
      const [next, permission] = requestStart(schedule, waited, io.now().getTime());
      become(next);
      return permission;
    },
    abort: abort.signal,
  };
  const dispatch = (event: ScheduleEvent) => {
    const [next, actions] = advance(schedule, event, io.now().getTime());
    become(next);
    wakeAt = actions.wakeAt;
    for (const id of actions.start) {
      const step = steps.get(id);
      if (step) rolling.set(id, rollWorkload(session, step, control));
    }
  };
  const become = (next: Schedule) => {
    const before = schedule.stopped;
    schedule = next;
    const left = schedule.waiting.length;
    if (before !== undefined || schedule.stopped === undefined || left === 0) return;
    // An interrupt is answered by itself.
    if (schedule.stopped === "interrupted") return;
    const why = WHY_STOPPED[schedule.stopped].message;
    progress.emit({ type: "notice", message: `${why}: ${left} not started` });
  };
  const unsubscribe = io.onSignal((name) => {
    const again = signal !== undefined || name === "SIGTERM";
    signal = name === "SIGTERM" ? name : (signal ?? name);
    dispatch({ type: "stop", reason: "interrupted" });
    interruption.abort();
    if (again) return abort.abort();
    const rolls = `${count(rolling.size, "workload")} to roll out`;
    const message = `interrupted: nothing new starts, waiting for ${rolls}; again to stop at once`;
    progress.emit({ type: "notice", message });
  });
  try {
    // They take no slot and no pause, and their failures stop nothing: this run starts none of them.
    for (const wait of plan.waits) {
      rolling.set(wait.ref.uid, awaitRestart(session, wait, abort.signal, turns));
    }
    dispatch({ type: "tick" });
    while (!isOver(schedule) || rolling.size > 0) {
      const result = await nextEnd(rolling, wakeAt);
      if (result === undefined) {
        dispatch({ type: "tick" });
        continue;
      }
      rolling.delete(result.ref.uid);
      results.set(result.ref.uid, result);
      progress.emit({ type: "ended", result });
      const stop = STOPS_THE_RUN[result.code];
      if (stop !== undefined) dispatch({ type: "stop", reason: stop });
      dispatch({ type: "ended", id: result.ref.uid, failed: isFailure(result.outcome) });
      // What comes of a stop at once comes all together, and the report right after it.
      if (!abort.signal.aborted) await record([...results.values()]);
    }
  } finally {
    unsubscribe();
    turns.limit.clearQueue();
  }
  const reason = schedule.stopped ?? "interrupted";
  return {
    results: [...plan.waits, ...plan.steps].map(
      (step) => results.get(step.ref.uid) ?? untouched(step, WHY_STOPPED[reason], io.now()),
    ),
    signal,
    aborted: abort.signal.aborted,
  };

  /** The next result, or `undefined` when it is time to look again. */
  async function nextEnd(
    running: ReadonlyMap<string, Promise<StepResult>>,
    until: number | undefined,
  ): Promise<StepResult | undefined> {
    if (until === undefined) return Promise.race(running.values());
    const awake = new AbortController();
    const pause = Math.max(0, until - io.now().getTime());
    const woken = io
      .sleep(pause, AbortSignal.any([awake.signal, interruption.signal]))
      .then(() => undefined);
    const ended = await Promise.race([...running.values(), woken]);
    awake.abort();
    return ended;
  }
}
