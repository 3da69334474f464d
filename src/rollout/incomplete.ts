import { failureOf } from "../mesh/restartability.ts";
import { restartTime, wantedPods, type Workload } from "../snapshot.ts";
import { isPaused, type RolloutStatus, rolloutStatus } from "./status.ts";

/** How far a rollout is that may end by itself; `undefined`: there is none to wait for. */
export function openRollout(workload: Workload): RolloutStatus | undefined {
  const { rollout } = workload;
  // Somebody's decision, or a failure: no patience ends it.
  if (rollout === undefined || isPaused(rollout) || failureOf(workload)) return undefined;
  const status = rolloutStatus(rollout);
  return status.state === "waiting" ? status : undefined;
}

/**
 * Whether a restart, say of a run that was killed, still waits for its new pods, although all of
 * them have their sidecar. A rollout gets on pod by pod, so that it takes at most the timeout for
 * each: what is not ready later has come up, and has another trouble since.
 *
 * @param now milliseconds since the epoch.
 * @param timeout milliseconds that a workload may go without progress.
 */
export function isIncomplete(workload: Workload, now: number, timeout: number): boolean {
  const { rollout } = workload;
  if (rollout === undefined || openRollout(workload) === undefined) return false;
  const age = now - Date.parse(restartTime(workload) ?? "");
  return age < timeout * wantedPods(rollout);
}
