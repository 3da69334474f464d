import { restartTime, type Workload } from "../snapshot.ts";
import { isPaused, rolloutStatus } from "./status.ts";

/**
 * The time of a restart that somebody, say a run that was killed, has not seen through: of a
 * workload on target whose new pods are not all ready, or fail. Later than the timeout after the
 * restart it has another trouble.
 *
 * @param now milliseconds since the epoch.
 * @param timeout milliseconds that a workload may go without progress.
 * @returns RFC 3339, as the restart wrote it; `undefined` where there is none to follow.
 */
export function incompleteRestart(
  workload: Workload,
  now: number,
  timeout: number,
): string | undefined {
  const { rollout } = workload;
  const restartedAt = restartTime(workload);
  if (rollout === undefined || restartedAt === undefined) return undefined;
  if (isPaused(rollout) || rollout.strategy === "OnDelete") return undefined;
  if (rolloutStatus(rollout).state === "done") return undefined;
  return Math.abs(now - Date.parse(restartedAt)) < timeout ? restartedAt : undefined;
}
