import { ApiError, isForbidden } from "../../http/api-error.ts";
import type { AcceptedRestart } from "../../rollout/attempt.ts";
import {
  advanceFollowing,
  type FollowingAction,
  type FollowingObservation,
  startFollowing,
} from "../../rollout/following.ts";
import type { Milestones } from "../../rollout/milestones.ts";
import type { Ending } from "../../rollout/result.ts";
import type { WorkloadRef } from "../../snapshot.ts";
import { explained } from "./explained.ts";
import { mayGetRoom } from "./refusals.ts";
import { startReadPace } from "./read-pace.ts";
import { pollInterval } from "./request-limits.ts";
import type { RestartSession } from "./restart-session.ts";
import type { RolloutReader } from "./rollout-reader.ts";

/**
 * Follows the rollout of an accepted restart until it is done, has failed, or has stalled.
 *
 * @param reader reads the workload, and ignores the events from before the restart.
 * @param onRead gets the milestones so far, after each read.
 */
export async function followRollout(
  session: RestartSession,
  ref: WorkloadRef,
  reader: RolloutReader,
  restart: AcceptedRestart,
  abort: AbortSignal,
  onRead: (milestones: Milestones) => void,
): Promise<Ending> {
  const { io, settings, watches } = session;
  let following = startFollowing(ref, restart, settings, io.now().getTime());
  const end = new AbortController();
  const ended = AbortSignal.any([abort, end.signal]);
  const pace = startReadPace(io, pollInterval(settings), ended);
  watches.keepOpen(ref, pace.listener, ended);
  let action: FollowingAction = { kind: "poll", report: undefined };
  let answered = true;
  try {
    while (action.kind !== "end") {
      const observation = await perform(session, ref, reader, action, abort, () =>
        pace.untilDue(answered),
      );
      answered = observation.kind === "view";
      [following, action] = advanceFollowing(following, observation, io.now().getTime());
      onRead(following.milestones);
    }
  } finally {
    end.abort();
  }
  return explained(session, reader, restart, action.ending, abort);
}

async function perform(
  session: RestartSession,
  ref: WorkloadRef,
  reader: RolloutReader,
  action: Exclude<FollowingAction, { readonly kind: "end" }>,
  abort: AbortSignal,
  untilDue: () => Promise<void>,
): Promise<FollowingObservation> {
  const { progress } = session;
  if (action.kind === "check-room") {
    const { hindrance, podUid } = action;
    const expected = await mayGetRoom(session, ref.namespace, podUid);
    return { kind: "room", hindrance, expected, aborted: abort.aborted };
  }
  if (action.report) progress.emit({ type: "rolling", ref, ...action.report });
  await untilDue();
  try {
    const view = await reader.read();
    return view === undefined ? { kind: "gone" } : { kind: "view", view, aborted: abort.aborted };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const { aborted } = abort;
    return isForbidden(error)
      ? { kind: "forbidden", message: error.message, aborted }
      : { kind: "no-answer", aborted };
  }
}
