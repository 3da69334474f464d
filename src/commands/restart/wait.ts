import type { LimitFunction } from "p-limit";
import { messageOf } from "../../errors.ts";
import { ApiError, isForbidden } from "../../http/api-error.ts";
import { type Ending, endedUnexpectedly, type StepResult } from "../../rollout/result.ts";
import type { Wait } from "../../rollout/step.ts";
import {
  advanceWaiting,
  startWaiting,
  type Waiting,
  type WaitingAction,
  type WaitingObservation,
} from "../../rollout/waiting.ts";
import { writeStacks } from "../../report/error-stack.ts";
import { endingAfterAbort } from "../../rollout/stop.ts";
import { explained, explainedByLastRead } from "./explained.ts";
import { aborted, causeOf } from "./interruption.ts";
import { earlierRefusals, mayGetRoom } from "./refusals.ts";
import type { RestartSession } from "./restart-session.ts";
import { createRolloutReader, type RolloutReader } from "./rollout-reader.ts";

/** The limits on the reads of all waits of a run together. */
export interface ReadLimits {
  /** Limits the reads that run at the same time. */
  readonly limit: LimitFunction;
  /** Milliseconds between two reads of one workload, before jitter. */
  readonly interval: number;
}

/**
 * Waits for a restart that was sent before this run. Changes nothing and never rejects: an error is
 * part of the result.
 */
export async function awaitRestart(
  session: RestartSession,
  wait: Wait,
  abort: AbortSignal,
  limits: ReadLimits,
): Promise<StepResult> {
  const { ref, from, to, restartedAt } = wait;
  const { io, progress } = session;
  const message = `restarted at ${restartedAt}, rollout still in progress`;
  progress.emit({ type: "waiting", ref, message });
  const reader = createRolloutReader(session, ref, earlierRefusals(session, ref));
  const restart = { target: to, restartedAt };
  const ending = await Promise.race([
    waitUntilReady(session, wait, reader, abort, limits).catch((error: unknown) => {
      writeStacks(error, io);
      return endedUnexpectedly(ref, messageOf(error), true);
    }),
    aborted(io, abort).then(() =>
      explainedByLastRead(reader, restart, endingAfterAbort(causeOf(abort), ref, true)),
    ),
  ]);
  return { ref, from, to, ...ending, startedAt: undefined, finishedAt: io.now() };
}

async function waitUntilReady(
  session: RestartSession,
  { ref, to, restartedAt }: Wait,
  reader: RolloutReader,
  abort: AbortSignal,
  { limit, interval }: ReadLimits,
): Promise<Ending> {
  const { io, progress, settings } = session;
  const restart = { target: to, restartedAt };
  let waiting = startWaiting(ref, restart, settings, io.now().getTime());
  for (;;) {
    const action = await limit(takeTurn);
    if (action.kind === "end") return explained(session, reader, restart, action.ending, abort);
    if (action.report !== undefined) {
      progress.emit({ type: "waiting", ref, message: action.report });
    }
    await io.sleep(interval * (0.75 + io.random() / 2), abort);
  }

  async function takeTurn(): Promise<Extract<WaitingAction, { readonly kind: "poll" | "end" }>> {
    let action = advance({ kind: "turn" });
    while (action.kind === "read" || action.kind === "check-room") {
      action = advance(await observe(session, waiting, action, reader, abort));
    }
    return action;
  }

  function advance(observation: WaitingObservation): WaitingAction {
    const [next, action] = advanceWaiting(waiting, observation, io.now().getTime());
    waiting = next;
    return action;
  }
}

async function observe(
  session: RestartSession,
  { ref }: Waiting,
  action: WaitingAction,
  reader: RolloutReader,
  abort: AbortSignal,
): Promise<WaitingObservation> {
  try {
    if (action.kind === "check-room") {
      const expected = await mayGetRoom(session, ref.namespace, action.podUid);
      return { kind: "room", expected, aborted: abort.aborted };
    }
    const view = await reader.read();
    return { kind: "answer", view, aborted: abort.aborted };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return isForbidden(error)
      ? { kind: "forbidden", message: error.message }
      : { kind: "no-answer", aborted: abort.aborted };
  }
}
