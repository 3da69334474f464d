import { setMaxListeners } from "node:events";
import pLimit from "p-limit";
import { count } from "../../wording.ts";
import type { Plan } from "../../rollout/plan.ts";
import { isFailure, type StepResult, untouchedResult } from "../../rollout/result.ts";
import { atTime, requestStart, type Schedule, type StopReason } from "../../rollout/schedule.ts";
import { type AbortCause, WHY_STOPPED } from "../../rollout/stop.ts";
import { repeatsSoak, type WaveChecked } from "../../rollout/wave-result.ts";
import {
  advanceWaves,
  isRunOver,
  newWaveSchedule,
  type WaveEvent,
  type WaveIds,
  type WaveTask,
} from "../../rollout/wave-schedule.ts";
import { messageOf } from "../../errors.ts";
import { writeStacks } from "../../report/error-stack.ts";
import type { RestartSession } from "./restart-session.ts";
import { pollInterval } from "./request-limits.ts";
import { rollWorkload, type RunControl } from "./roll.ts";
import { awaitRestart, type ReadLimits } from "./wait.ts";
import { performTask, type TaskEnd, type WavesOfRun } from "./wave-tasks.ts";

/** A run that has ended. */
export interface Run {
  /** One result for every step, in the order of the plan. */
  readonly results: readonly StepResult[];
  /** The checks by the number of the wave. */
  readonly checked: ReadonlyMap<number, WaveChecked>;
  /** The signal that came; SIGTERM if both came. */
  readonly signal: "SIGINT" | "SIGTERM" | undefined;
  /** The reason why nothing more was started; `undefined` if the run was not stopped. */
  readonly stopped: StopReason | undefined;
  /** True if the user wanted the report at once, so that workloads may still be rolling. */
  readonly aborted: boolean;
  /** The error if the API server no longer accepted the login. */
  readonly loginLost: string | undefined;
  /** The unexpected error that ended the run, if one did. */
  readonly failure: { readonly message: string } | undefined;
}

/** The codes that stop the run even if `--max-failures` allows more failures. */
const STOPS_THE_RUN: Readonly<Record<string, StopReason>> = {
  "sidecar-lost": "run-stopped",
  "other-image": "run-stopped",
  "target-moved": "target-moved",
  "permission-lost": "permission-lost",
  "taken-back": "run-stopped",
  "not-taken-back": "run-stopped",
  "application-restarted": "run-stopped",
  "not-labelled": "not-labelled",
  "label-changed": "label-changed",
  "move-would-lose": "run-stopped",
  "move-blocked": "run-stopped",
};

/** The number of waits that are read in one poll interval. */
const READS_PER_INTERVAL = 20;

/** Records all results and checks so far. */
export type RecordRun = (
  soFar: readonly StepResult[],
  checked: ReadonlyMap<number, WaveChecked>,
) => void;

/**
 * Runs a plan at the given pace until it is done, stopped or interrupted.
 *
 * @param deadline the time after which nothing new starts.
 * @param record is called after each new result and each check.
 * @param inWaves the waves of the plan; `undefined` to restart everything without a check.
 */
export async function runPlan(
  session: RestartSession,
  plan: Plan,
  deadline: Date | undefined,
  record: RecordRun,
  inWaves?: WavesOfRun,
): Promise<Run> {
  const { settings, io, progress } = session;
  const act = settings.inPlace
    ? (await import("../in-place/replace.ts")).replaceSidecars
    : rollWorkload;
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
  let loginLost: string | undefined;
  let failure: Run["failure"];
  let wakeAt: number | undefined;
  const checked = new Map<number, WaveChecked>();
  /** The work around the present wave, while it is in progress. */
  const tasks = new Set<Promise<TaskEnd>>();
  /** The reason of a wave or a lease to stop the run, which is more exact than that of the schedule. */
  let whyStopped: string | undefined;
  const stopTask = new AbortController();
  let state = newWaveSchedule(
    idsOf(plan, inWaves),
    { ...settings, deadline: deadline?.getTime() },
    {
      soak: inWaves !== undefined && inWaves.soak > 0,
      gate: inWaves?.gate !== undefined,
    },
    repeatsSoak(inWaves?.waves ?? [], io.now().getTime()),
  );

  const control: RunControl = {
    stopReason: () => {
      noteLease();
      setSchedule(atTime(state.schedule, io.now().getTime()));
      return state.schedule.stopped;
    },
    requestStart: () => {
      noteLease();
      const [next, permission] = requestStart(state.schedule, io.now().getTime());
      setSchedule(next);
      return permission;
    },
    abort: abort.signal,
  };
  const dispatch = (event: WaveEvent) => {
    const [next, actions] = advanceWaves(state, event, io.now().getTime());
    const { schedule: before, wave } = state;
    state = next;
    noteStop(before);
    wakeAt = actions.wakeAt;
    if (next.wave > wave) noteWave(next.wave);
    for (const id of actions.start) {
      const step = steps.get(id);
      if (step) rolling.set(id, act(session, step, control));
    }
    if (actions.task !== undefined && inWaves !== undefined) begin(inWaves, actions.task);
  };
  const noteWave = (number: number) => {
    const { waves = [] } = inWaves ?? {};
    const workloads = waves[number - 1]?.steps.length;
    if (workloads === undefined) return;
    progress.emit({ type: "wave-started", wave: number, of: waves.length, workloads });
  };
  const begin = (run: WavesOfRun, next: WaveTask) => {
    const soFar = checked.get(next.wave) ?? {};
    tasks.add(performTask(session, run, next, soFar, results, stopTask.signal));
  };
  const setSchedule = (next: Schedule) => {
    const { schedule: before } = state;
    state = { ...state, schedule: next };
    noteStop(before);
  };
  const noteStop = (before: Schedule) => {
    const { stopped: reason, waiting } = state.schedule;
    if (before.stopped !== undefined || reason === undefined) return;
    stopTask.abort();
    const left = waiting.length;
    // An interrupt and a lost login have messages of their own.
    if (left === 0 || reason === "interrupted" || reason === "login-expired") return;
    const message = `${whyStopped ?? WHY_STOPPED[reason].message}: ${left} not started`;
    progress.emit({ type: "stopped", reason, notStarted: left, message });
  };
  const endTask = ({ task: { kind, wave }, checked: found, stop }: TaskEnd) => {
    tasks.clear();
    checked.set(wave, { ...checked.get(wave), ...found });
    if (state.schedule.stopped === undefined) whyStopped = stop?.message;
    if (stop === undefined) dispatch({ type: EVENTS[kind], wave });
    else dispatch({ type: "stop", reason: stop.reason });
  };
  /** Stops the run if its lease is lost, also if the process was suspended until now. */
  const noteLease = () => void session.lease?.loss();
  const unsubscribe = io.onSignal((name) => {
    const again = signal !== undefined || name === "SIGTERM";
    signal = name === "SIGTERM" ? name : (signal ?? name);
    dispatch({ type: "stop", reason: "interrupted" });
    interruption.abort();
    if (again) return abortFor({ kind: "interrupted" });
    const rolls = `${count(rolling.size, "workload")} ${settings.inPlace ? "to be ready again" : "to roll out"}`;
    const message =
      rolling.size === 0
        ? "interrupted: no new restarts"
        : `interrupted: no new restarts, waiting for ${rolls}; interrupt again to stop at once`;
    const notStarted = state.schedule.waiting.length;
    progress.emit({ type: "stopped", reason: "interrupted", notStarted, message });
  });
  const unwatch = session.login.watch((message) => {
    loginLost = message;
    dispatch({ type: "stop", reason: "login-expired" });
    const rolls = `${count(rolling.size, "workload")} may still be rolling`;
    const why = `the API server no longer accepts the login: ${message}`;
    const notStarted = state.schedule.waiting.length;
    const text = `${why}; no new restarts, ${rolls}`;
    progress.emit({ type: "stopped", reason: "login-expired", notStarted, message: text });
    interruption.abort();
    abortFor({ kind: "login-expired", message });
  });
  const unhold = session.lease?.watch((message) => {
    if (state.schedule.stopped !== undefined) return;
    whyStopped = `no new restarts: ${message}`;
    if (state.schedule.waiting.length === 0) {
      progress.emit({ type: "notice", message: whyStopped });
    }
    dispatch({ type: "stop", reason: "lease-lost" });
    // The loop may sleep until the next restart.
    interruption.abort();
  });
  try {
    // Another run started these rollouts, so `--max-parallel`, `--pause` and `--max-failures` do not
    // apply to them.
    for (const wait of plan.waits) {
      rolling.set(wait.ref.uid, awaitRestart(session, wait, abort.signal, limits));
    }
    dispatch({ type: "tick" });
    while (!isRunOver(state) || rolling.size > 0 || tasks.size > 0) {
      const result = await nextEnd(rolling, tasks, wakeAt);
      if (result === undefined) {
        dispatch({ type: "tick" });
        continue;
      }
      if ("task" in result) {
        endTask(result);
        if (!abort.signal.aborted) record([...results.values()], checked);
        continue;
      }
      rolling.delete(result.ref.uid);
      results.set(result.ref.uid, result);
      progress.emit({ type: "ended", result });
      session.notices?.end(result);
      const stop = STOPS_THE_RUN[result.code];
      if (stop !== undefined) dispatch({ type: "stop", reason: stop });
      dispatch({ type: "ended", id: result.ref.uid, failed: isFailure(result.outcome) });
      // After an abort all results arrive at once and the final report follows.
      if (!abort.signal.aborted) record([...results.values()], checked);
    }
  } catch (error) {
    // The report must say which workloads were restarted, and no loop may run after the report.
    writeStacks(error, io);
    failure = { message: messageOf(error) };
    [state] = advanceWaves(state, { type: "stop", reason: "interrupted" }, io.now().getTime());
    stopTask.abort();
    abortFor({ kind: "interrupted" });
    await Promise.all(tasks);
    for (const result of await Promise.all(rolling.values())) results.set(result.ref.uid, result);
  } finally {
    unwatch();
    unhold?.();
    unsubscribe();
    limits.limit.clearQueue();
  }
  const reason = state.schedule.stopped ?? "interrupted";
  const ending = WHY_STOPPED[reason];
  const untouched = whyStopped === undefined ? ending : { ...ending, message: whyStopped };
  return {
    results: [...plan.waits, ...plan.steps].map(
      (step) => results.get(step.ref.uid) ?? untouchedResult(step, untouched, io.now()),
    ),
    checked,
    signal,
    stopped: state.schedule.stopped,
    aborted: abort.signal.aborted,
    loginLost,
    failure,
  };

  function abortFor(cause: AbortCause): void {
    abort.abort(cause);
  }

  /** Returns the next result, or the end of the task; `undefined` if it is time for the next tick. */
  async function nextEnd(
    running: ReadonlyMap<string, Promise<StepResult>>,
    work: ReadonlySet<Promise<TaskEnd>>,
    until: number | undefined,
  ): Promise<StepResult | TaskEnd | undefined> {
    const ends = [...running.values(), ...work];
    if (until === undefined) return Promise.race(ends);
    const awake = new AbortController();
    const pause = Math.max(0, until - io.now().getTime());
    const woken = io
      .sleep(pause, AbortSignal.any([awake.signal, interruption.signal]))
      .then(() => undefined);
    const ended = await Promise.race([...ends, woken]);
    awake.abort();
    return ended;
  }
}

/** The events of tasks that end without a reason to stop. */
const EVENTS = { soak: "soaked", "ask-gate": "answered" } as const;

/** Returns the ids of each wave; without waves, the whole plan is one. */
function idsOf(plan: Plan, inWaves: WavesOfRun | undefined): readonly WaveIds[] {
  return (inWaves?.waves ?? [plan]).map(({ steps, waits }) => ({
    steps: steps.map(({ ref, podsAtOnce }) => ({ id: ref.uid, pods: podsAtOnce })),
    waits: waits.map(({ ref }) => ref.uid),
  }));
}
