import { restartTime, type Workload } from "../snapshot.ts";
import { isPaused, rolloutStatus } from "./status.ts";

/**
 * Returns the time of a recent restart whose rollout is not done, such as one sent by a run that was
 * killed. If the restart is older than the timeout, something else is wrong with the workload.
 *
 * @param now milliseconds since the epoch.
 * @param timeout milliseconds that a workload may go without progress.
 * @returns RFC 3339, as the restart wrote it; `undefined` if there is no restart to wait for.
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
