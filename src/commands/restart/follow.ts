import { readRollingPods } from "../../cluster/rolling-pods.ts";
import { getWorkload } from "../../cluster/named-workload.ts";
import { ApiError } from "../../http/api-error.ts";
import { formatSelector } from "../../kubernetes/selector.ts";
import type { AcceptedRestart } from "../../rollout/attempt.ts";
import {
  advanceFollowing,
  type FollowingAction,
  type FollowingObservation,
  startFollowing,
} from "../../rollout/following.ts";
import type { Ending } from "../../rollout/result.ts";
import { restartTime, type WorkloadRef } from "../../snapshot.ts";
import { mayGetRoom, newRefusals } from "./refusals.ts";
import { pollInterval } from "./request-limits.ts";
import type { RestartSession } from "./restart-session.ts";

/** Follows the rollout of an accepted restart until it is done, has failed, or has stalled. */
export async function followRollout(
  session: RestartSession,
  ref: WorkloadRef,
  restart: AcceptedRestart,
  abort: AbortSignal,
): Promise<Ending> {
  const { io, settings } = session;
  let following = startFollowing(ref, restart, settings.timeout, io.now().getTime());
  let action: FollowingAction = { kind: "poll", report: undefined };
  while (action.kind !== "end") {
    const observation = await perform(session, ref, restart, action, abort);
    [following, action] = advanceFollowing(following, observation, io.now().getTime());
  }
  return action.ending;
}

async function perform(
  session: RestartSession,
  ref: WorkloadRef,
  restart: AcceptedRestart,
  action: Exclude<FollowingAction, { readonly kind: "end" }>,
  abort: AbortSignal,
): Promise<FollowingObservation> {
  const { io, progress, settings } = session;
  if (action.kind === "check-room") {
    const { hindrance, podUid } = action;
    const expected = await mayGetRoom(session, ref.namespace, podUid);
    return { kind: "room", hindrance, expected, aborted: abort.aborted };
  }
  if (action.report) progress.emit({ type: "rolling", ref, ...action.report });
  await io.sleep(pollInterval(settings) * (0.75 + io.random() / 2), abort);
  try {
    return await readView(session, ref, restart, abort);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { kind: "no-answer", aborted: abort.aborted };
  }
}

async function readView(
  session: RestartSession,
  ref: WorkloadRef,
  { knownRefusals }: AcceptedRestart,
  abort: AbortSignal,
): Promise<FollowingObservation> {
  const { api } = session;
  // First the workload, then its pods: if it is done, the list has every new pod.
  const workload = await getWorkload(api, ref);
  const rollout = workload?.rollout;
  if (rollout === undefined) return { kind: "gone" };
  const [pods, refusals] = await Promise.all([
    readRollingPods(api, ref.namespace, formatSelector(rollout.selector)),
    newRefusals(session, ref, rollout, knownRefusals),
  ]);
  const restartedAt = workload && restartTime(workload);
  const view = { ref, rollout, restartedAt, pods, refusals };
  return { kind: "view", view, aborted: abort.aborted };
}
