import { setMaxListeners } from "node:events";
import pLimit from "p-limit";
import { count } from "../../wording.ts";
import type { Plan } from "../../rollout/plan.ts";
import { isFailure, type StepResult, untouchedResult } from "../../rollout/result.ts";
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
import { messageOf } from "../../errors.ts";
import { writeStacks } from "../../report/error-stack.ts";
import type { RestartSession } from "./restart-session.ts";
import { pollInterval } from "./request-limits.ts";
import { rollWorkload, type RunControl } from "./roll.ts";
import { awaitRestart, type ReadLimits } from "./wait.ts";

/** A run that has ended. */
export interface Run {
  /** One result for every step, in the order of the plan. */
  readonly results: readonly StepResult[];
  /** The signal that came; SIGTERM if both came. */
  readonly signal: "SIGINT" | "SIGTERM" | undefined;
  /** True if the user wanted the report at once, so that workloads may still be rolling. */
  readonly aborted: boolean;
  /** The unexpected error that ended the run, if one did. */
  readonly failure: { readonly message: string } | undefined;
}

/** The codes that stop the run even if `--max-failures` allows more failures. */
const STOPS_THE_RUN: Readonly<Record<string, StopReason>> = {
  "sidecar-lost": "run-stopped",
  "other-image": "run-stopped",
  "target-moved": "target-moved",
};

/** The number of waits that are read in one poll interval. */
const READS_PER_INTERVAL = 20;

/**
 * Runs a plan at the given pace until it is done, stopped or interrupted.
 *
 * @param deadline the time after which nothing new starts.
 * @param record records all results so far. It is called after each new result.
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
  const limits: ReadLimits = {
    limit: pLimit(settings.maxParallel),
    interval: pollInterval(settings) * Math.max(1, plan.waits.length / READS_PER_INTERVAL),
  };
  setMaxListeners(0, abort.signal);
  let signal: Run["signal"];
  let failure: Run["failure"];
  let wakeAt: number | undefined;
  let schedule = newSchedule(
    plan.steps.map(({ ref, podsAtOnce }) => ({ id: ref.uid, pods: podsAtOnce })),
    { ...settings, deadline: deadline?.getTime() },
  );

  const control: RunControl = {
    stopReason: () => {
      setSchedule(atTime(schedule, io.now().getTime()));
      return schedule.stopped;
    },
    requestStart: (waited) => {
      const [next, permission] = requestStart(schedule, waited, io.now().getTime());
      setSchedule(next);
      return permission;
    },
    abort: abort.signal,
  };
  const dispatch = (event: ScheduleEvent) => {
    const [next, actions] = advance(schedule, event, io.now().getTime());
    setSchedule(next);
    wakeAt = actions.wakeAt;
    for (const id of actions.start) {
      const step = steps.get(id);
      if (step) rolling.set(id, rollWorkload(session, step, control));
    }
  };
  const setSchedule = (next: Schedule) => {
    const before = schedule.stopped;
    schedule = next;
    const left = schedule.waiting.length;
    if (before !== undefined || schedule.stopped === undefined || left === 0) return;
    // The signal handler reports an interrupt.
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
    const message = `interrupted: no new restarts, waiting for ${rolls}; interrupt again to stop at once`;
    progress.emit({ type: "notice", message });
  });
  try {
    // Another run started these rollouts, so `--max-parallel`, `--pause` and `--max-failures` do not
    // apply to them.
    for (const wait of plan.waits) {
      rolling.set(wait.ref.uid, awaitRestart(session, wait, abort.signal, limits));
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
      // After an abort all results arrive at once and the final report follows.
      if (!abort.signal.aborted) await record([...results.values()]);
    }
  } catch (error) {
    // The report must say which workloads were restarted, and no loop may run after the report.
    writeStacks(error, io);
    failure = { message: messageOf(error) };
    [schedule] = advance(schedule, { type: "stop", reason: "interrupted" }, io.now().getTime());
    abort.abort();
    for (const result of await Promise.all(rolling.values())) results.set(result.ref.uid, result);
  } finally {
    unsubscribe();
    limits.limit.clearQueue();
  }
  const reason = schedule.stopped ?? "interrupted";
  return {
    results: [...plan.waits, ...plan.steps].map(
      (step) => results.get(step.ref.uid) ?? untouchedResult(step, WHY_STOPPED[reason], io.now()),
    ),
    signal,
    aborted: abort.signal.aborted,
    failure,
  };

  /** Returns the next result; `undefined` if it is time for the next tick. */
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
