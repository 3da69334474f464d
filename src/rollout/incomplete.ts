import { rolloutCommand } from "../kubernetes/kinds.ts";
import { failureOf } from "../mesh/restartability.ts";
import { restartTime, type Workload } from "../snapshot.ts";
import { type Ending, ended } from "./result.ts";
import { isPaused, rolloutStatus } from "./status.ts";

/**
 * The time of a restart that somebody, say a run that was killed, has not seen through: of a
 * workload on target whose pods are not all ready. Later than the timeout after the restart it has
 * another trouble.
 *
 * @param now milliseconds since the epoch.
 * @param timeout milliseconds that a workload may go without progress.
 * @returns RFC 3339, as the restart wrote it; `undefined` where there is none to wait for.
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

/**
 * How it ended for a workload that was waited for; `undefined`: it goes on. Whether its restart or
 * something since is the cause of a trouble does not show, so none is called a failed restart.
 */
export function endOfWait(workload: Workload, restartedAt: string): Ending | undefined {
  const { rollout } = workload;
  const since = `it was restarted at ${restartedAt}`;
  if (isPaused(rollout)) {
    return ended(
      "timed-out",
      "paused",
      `${since}, and is paused`,
      rolloutCommand("resume", workload),
    );
  }
  const failure = failureOf(workload);
  if (failure !== undefined) {
    const next = rolloutCommand("status", workload);
    return ended("timed-out", "unhealthy", `${since}, and ${failure}`, next);
  }
  return rollout === undefined || rolloutStatus(rollout).state === "done"
    ? ended("waited", "rolled-out", `${since}, and rolled out`)
    : undefined;
}
