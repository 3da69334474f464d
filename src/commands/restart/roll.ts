import { messageOf } from "../../errors.ts";
import { sendRestart, serverRestartTime } from "../../cluster/write.ts";
import {
  ApiError,
  isConflict,
  isForbidden,
  isNotFound,
  isRejected,
  isUnanswered,
} from "../../http/api-error.ts";
import {
  advanceAttempt,
  type AttemptAction,
  type AttemptObservation,
  startAttempt,
} from "../../rollout/attempt.ts";
import type { Milestones } from "../../rollout/milestones.ts";
import { type Ending, endedUnexpectedly, type StepResult } from "../../rollout/result.ts";
import { isInProgress } from "../../rollout/hold.ts";
import type { StartPermission, StopReason } from "../../rollout/schedule.ts";
import type { Step } from "../../rollout/step.ts";
import { endingAfterAbort } from "../../rollout/stop.ts";
import { writeStacks } from "../../report/error-stack.ts";
import type { Restart } from "../../rollout/view.ts";
import { explained, explainedByLastRead } from "./explained.ts";
import { followRollout } from "./follow.ts";
import { aborted, causeOf } from "./interruption.ts";
import { reassess } from "./reassess.ts";
import { reassessMoved } from "./reassess-moved.ts";
import { earlierRefusals, knownRefusals, mayGetRoom } from "./refusals.ts";
import { pollInterval } from "./request-limits.ts";
import type { RestartSession } from "./restart-session.ts";
import { createRolloutReader, type RolloutReader } from "./rollout-reader.ts";

/** The control of a run over the restart of one workload. */
export interface RunControl {
  /** The reason why nothing new starts; `undefined` if the run is not stopped. */
  stopReason(): StopReason | undefined;
  requestStart(): StartPermission;
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
    schedulingTimeout: settings.schedulingTimeout,
    approved: approved !== undefined,
    dryRun: settings.dryRun !== undefined,
  };
  let attempt = startAttempt(step, rules, io.now().getTime());
  let followed: { readonly reader: RolloutReader; readonly restart: Restart } | undefined;
  let milestones: Milestones | undefined;
  const own = await Promise.race([
    restartAndFollow().catch(unexpectedEnding),
    aborted(io, control.abort).then(endingByLastRead),
  ]);
  const ending =
    // After a stop without an abort, a workload may end before its turn with the same code.
    control.abort.aborted &&
    own.code === "interrupted" &&
    causeOf(control.abort).kind !== "interrupted"
      ? endingByLastRead()
      : own;
  const { to, startedAt } = attempt;
  return { ref, from, to, startedAt, milestones, ...ending, finishedAt: io.now() };

  function endingByLastRead(): Ending {
    const last = endingAfterAbort(causeOf(control.abort), ref, attempt.startedAt !== undefined);
    return followed === undefined
      ? last
      : explainedByLastRead(followed.reader, followed.restart, last);
  }

  function unexpectedEnding(error: unknown): Ending {
    writeStacks(error, io);
    return endedUnexpectedly(ref, messageOf(error), attempt.startedAt !== undefined);
  }

  async function restartAndFollow(): Promise<Ending> {
    let action: AttemptAction = { kind: "reassess" };
    const reader = createRolloutReader(session, ref, earlierRefusals(session, ref));
    while (action.kind !== "end" && action.kind !== "follow") {
      if (action.kind === "patch") {
        const planned = { ...step, to: attempt.to };
        await session.notices?.begin(planned, action.request.resourceVersion);
      }
      const observation = await perform(session, step, action, control, reader);
      [attempt, action] = advanceAttempt(attempt, observation, io.now().getTime());
    }
    if (action.kind === "end") {
      return explained(session, reader, undefined, action.ending, control.abort);
    }
    const { restart } = action;
    progress.emit({ type: "started", ref, from, to: restart.target });
    const follower = createRolloutReader(session, ref, async () => restart.knownRefusals);
    followed = { reader: follower, restart };
    return followRollout(session, ref, follower, restart, control.abort, (seen) => {
      milestones = seen;
    });
  }
}

type PerformedAction = Exclude<AttemptAction, { readonly kind: "end" | "follow" }>;

async function perform(
  session: RestartSession,
  step: Step,
  action: PerformedAction,
  control: RunControl,
  reader: RolloutReader,
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
      case "check-room": {
        const expected = await mayGetRoom(session, ref.namespace, action.podUid);
        return { kind: "room", expected };
      }
      case "wait-until":
        await io.sleep(action.time - io.now().getTime(), abort);
        break;
      case "retry":
        await io.sleep(pollInterval(settings) * io.random(), abort);
        break;
      case "request-start": {
        const { candidate } = action;
        const known = await knownRefusals(session, ref);
        const permission = control.requestStart();
        return { kind: "permission", candidate, permission, knownRefusals: known };
      }
      case "ask-server-time": {
        const { request } = action;
        const restartedAt = await serverRestartTime(api, request);
        return { kind: "server-time", request, restartedAt };
      }
      case "patch":
        // The report may be printed by now.
        if (abort.aborted) break;
        await sendRestart(api, action.request);
        return { kind: "accepted", request: action.request };
    }
    if (abort.aborted) return { kind: "aborted" };
    const observation =
      session.move === undefined
        ? await reassess(session, step, () => control.stopReason())
        : await reassessMoved(session, session.move, step, control);
    return await withPods(reader, observation);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return observationOf(error, action);
  }
}

/** Adds the pods of a rollout in progress, which show whether it continues. */
async function withPods(
  reader: RolloutReader,
  observation: AttemptObservation,
): Promise<AttemptObservation> {
  if (observation.kind !== "assessed") return observation;
  const { workload } = observation.assessment;
  const { rollout } = workload;
  if (rollout === undefined || !isInProgress(rollout)) return observation;
  const view = await reader.readPods(workload, rollout);
  return { ...observation, view };
}

function observationOf(error: ApiError, action: PerformedAction): AttemptObservation {
  const { message, afterLostAnswer } = error;
  // The question for the server's time is a dry run, which changes nothing.
  const isPatch = action.kind === "patch";
  const isWrite = isPatch || action.kind === "ask-server-time";
  if (isWrite && (isNotFound(error) || isRecreated(error) || isConflict(error))) {
    // A new read shows if the workload was deleted, recreated or changed.
    return { kind: "conflict", mayBeOwn: isPatch && afterLostAnswer };
  }
  if (isPatch && (afterLostAnswer || isUnanswered(error))) return { kind: "no-answer", message };
  if (isForbidden(error)) return { kind: "forbidden", message };
  return { kind: isWrite && isRejected(error) ? "rejected" : "failed", message };
}

/** True if the API server found another uid than that of the workload that was assessed. */
function isRecreated({ status, message }: ApiError): boolean {
  return status === 422 && message.includes("metadata.uid");
}
