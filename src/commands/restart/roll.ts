import { messageOf } from "../../errors.ts";
import { sendRestart, serverRestartTime } from "../../cluster/write.ts";
import { ApiError, isConflict, isUnanswered } from "../../http/api-error.ts";
import {
  advanceAttempt,
  type AttemptAction,
  type AttemptObservation,
  startAttempt,
} from "../../rollout/attempt.ts";
import { type Ending, endedUnexpectedly, type StepResult } from "../../rollout/result.ts";
import type { StartPermission, StopReason } from "../../rollout/schedule.ts";
import type { Step } from "../../rollout/step.ts";
import { writeStacks } from "../../report/error-stack.ts";
import { followRollout } from "./follow.ts";
import { endAfterAbort } from "./interruption.ts";
import { reassess } from "./reassess.ts";
import { knownRefusals } from "./refusals.ts";
import { pollInterval } from "./request-limits.ts";
import type { RestartSession } from "./restart-session.ts";

/** The control of a run over the restart of one workload. */
export interface RunControl {
  /** The reason why nothing new starts; `undefined` if the run is not stopped. */
  stopReason(): StopReason | undefined;
  /** @param waited true if the workload waited after its turn came. */
  requestStart(waited: boolean): StartPermission;
  /** Aborts when the user wants the report at once. */
  readonly abort: AbortSignal;
}

/** Restarts one workload and follows its rollout. Never rejects: an error is part of the result. */
export async function rollWorkload(
  session: RestartSession,
  step: Step,
  control: RunControl,
): Promise<StepResult> {
  const { io, settings, progress, approved } = session;
  const { ref, from } = step;
  const rules = {
    consent: settings.consent,
    timeout: settings.timeout,
    approved: approved !== undefined,
    dryRun: settings.dryRun !== undefined,
  };
  let attempt = startAttempt(step, rules, io.now().getTime());
  const ending = await Promise.race([
    restartAndFollow().catch(unexpectedEnding),
    endAfterAbort(io, ref, control.abort, () => attempt.startedAt !== undefined),
  ]);
  const { to, startedAt } = attempt;
  return { ref, from, to, startedAt, ...ending, finishedAt: io.now() };

  function unexpectedEnding(error: unknown): Ending {
    writeStacks(error, io);
    return endedUnexpectedly(ref, messageOf(error), attempt.startedAt !== undefined);
  }

  async function restartAndFollow(): Promise<Ending> {
    let action: AttemptAction = { kind: "reassess" };
    while (action.kind !== "end" && action.kind !== "follow") {
      const observation = await perform(session, step, action, control);
      [attempt, action] = advanceAttempt(attempt, observation, io.now().getTime());
    }
    if (action.kind === "end") return action.ending;
    const { image } = action.restart.target;
    progress.emit({ type: "started", ref, from, image });
    return followRollout(session, ref, action.restart, control.abort);
  }
}

type PerformedAction = Exclude<AttemptAction, { readonly kind: "end" | "follow" }>;

async function perform(
  session: RestartSession,
  step: Step,
  action: PerformedAction,
  control: RunControl,
): Promise<AttemptObservation> {
  const { api, io, settings, progress } = session;
  const { ref } = step;
  const { abort } = control;
  try {
    switch (action.kind) {
      case "reassess":
        break;
      case "wait":
        if (action.report !== undefined) {
          progress.emit({ type: "waiting", ref, message: action.report });
        }
        await io.sleep(pollInterval(settings) * (1 + io.random()), abort);
        break;
      case "wait-until":
        await io.sleep(action.time - io.now().getTime(), abort);
        break;
      case "retry":
        await io.sleep(pollInterval(settings) * io.random(), abort);
        break;
      case "request-start": {
        const { candidate, waited } = action;
        const known = await knownRefusals(session, ref);
        const permission = control.requestStart(waited);
        return { kind: "permission", candidate, permission, knownRefusals: known };
      }
      case "ask-server-time": {
        const { request } = action;
        const restartedAt = await serverRestartTime(api, request);
        return { kind: "server-time", request, restartedAt };
      }
      case "patch":
        await sendRestart(api, action.request);
        return { kind: "accepted", request: action.request };
    }
    if (abort.aborted) return { kind: "aborted" };
    return await reassess(session, step, () => control.stopReason());
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return observationOf(error, action);
  }
}

function observationOf(error: ApiError, action: PerformedAction): AttemptObservation {
  const { message } = error;
  if (action.kind !== "patch" && action.kind !== "ask-server-time") {
    return { kind: "failed", message };
  }
  if (isConflict(error)) return { kind: "conflict" };
  return { kind: isUnanswered(error) ? "no-answer" : "failed", message };
}
