import type { Consent } from "../../mesh/restartability.ts";
import type { Plan, Step } from "../../rollout/plan.ts";
import { isFailure, type StepResult } from "../../rollout/result.ts";
import { advance, isOver, newSchedule, type ScheduleEvent } from "../../rollout/schedule.ts";
import type { RestartSettings } from "../../settings.ts";
import type { Session } from "../session.ts";
import { rollWorkload } from "./roll.ts";

export interface Run {
  /** One for every step, in the order of the plan. */
  readonly results: readonly StepResult[];
  /** The first signal that came. */
  readonly signal: "SIGINT" | "SIGTERM" | undefined;
  /** Asked to report at once: something may still roll. */
  readonly aborted: boolean;
}

/** Failures after which nothing of this run can be trusted, whatever `--max-failures` says. */
const STOPS_THE_RUN = new Set(["sidecar-lost", "other-image"]);

/** Carries out a plan at the asked pace, until it is done, stopped or interrupted. */
export async function runPlan(
  session: Session<RestartSettings>,
  plan: Plan,
  consent: Consent,
): Promise<Run> {
  const { settings, io, progress } = session;
  const steps = new Map(plan.steps.map((step) => [step.ref.uid, step]));
  const rolling = new Map<string, Promise<StepResult>>();
  const results = new Map<string, StepResult>();
  const abort = new AbortController();
  let signal: Run["signal"];
  let schedule = newSchedule([...steps.keys()], settings);

  const dispatch = (event: ScheduleEvent) => {
    const [next, start] = advance(schedule, event);
    schedule = next;
    for (const id of start) {
      const step = steps.get(id);
      if (step) rolling.set(id, rollWorkload(session, step, consent, abort.signal));
    }
  };
  const unsubscribe = io.onSignal((name) => {
    const again = signal !== undefined || name === "SIGTERM";
    signal ??= name;
    dispatch({ type: "stop", reason: "interrupted" });
    if (again) return abort.abort();
    const message = `interrupted: nothing new starts, waiting for ${rolling.size} that roll; again to stop at once`;
    progress.emit({ type: "stopping", message });
  });
  try {
    dispatch({ type: "begin" });
    while (!isOver(schedule)) {
      const result = await Promise.race(rolling.values());
      rolling.delete(result.ref.uid);
      results.set(result.ref.uid, result);
      progress.emit({ type: "ended", result });
      if (STOPS_THE_RUN.has(result.code)) dispatch({ type: "stop", reason: "sidecar-lost" });
      dispatch({ type: "ended", id: result.ref.uid, failed: isFailure(result.outcome) });
    }
  } finally {
    unsubscribe();
  }
  const reason = schedule.stopped ?? "interrupted";
  return {
    results: plan.steps.map(
      (step) => results.get(step.ref.uid) ?? leftAlone(step, reason, io.now()),
    ),
    signal,
    aborted: abort.signal.aborted,
  };
}

const WHY_STOPPED = {
  failures: ["max-failures", "nothing more starts after so many failures (--max-failures)"],
  "sidecar-lost": ["run-stopped", "the run was stopped: the next one might have fared the same"],
  interrupted: ["interrupted", "the run was interrupted"],
} as const;

function leftAlone(step: Step, reason: keyof typeof WHY_STOPPED, now: Date): StepResult {
  const [code, message] = WHY_STOPPED[reason];
  return {
    ref: step.ref,
    from: step.from,
    to: step.to,
    outcome: "not-started",
    code,
    message,
    nextStep: "",
    startedAt: undefined,
    finishedAt: now,
  };
}
