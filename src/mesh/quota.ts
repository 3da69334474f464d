import type { PodNeeds, Quota } from "../snapshot.ts";
import type { Warning } from "./warnings.ts";

/**
 * Warns if a quota has no room for the pods that a rolling update adds temporarily. The restart may
 * still succeed: if the workload allows unavailable pods, old pods make room when they end.
 *
 * @param surge the number of pods that the update adds at a time.
 */
export function quotaWarning(
  surge: number,
  needs: PodNeeds,
  quotas: readonly Quota[],
): Warning | undefined {
  if (surge === 0) return undefined;
  for (const { name, room } of quotas) {
    const exhausted = Object.keys(room).find(
      (resource) => (room[resource] ?? Infinity) < surge * (needs[resource] ?? 0),
    );
    if (exhausted === undefined) continue;
    const pods = surge === 1 ? "the pod" : `the ${surge} pods`;
    return {
      code: "quota",
      message: `the quota ${name} has no room (${exhausted}) for ${pods} that a restart adds temporarily`,
    };
  }
  return undefined;
}
