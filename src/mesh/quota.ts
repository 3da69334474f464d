import type { PodNeeds, Quota } from "../snapshot.ts";
import type { Warning } from "./warnings.ts";

/**
 * Whether the pods that a rolling update adds for a while fit into what the quotas have left. It is
 * no reason to refuse: old pods that end make room, where the workload may do without them.
 *
 * @param surge pods that the update adds at a time.
 */
export function quotaWarning(
  surge: number,
  needs: PodNeeds,
  quotas: readonly Quota[],
): Warning | undefined {
  if (surge === 0) return undefined;
  for (const { name, room } of quotas) {
    const short = Object.keys(room).find(
      (resource) => (room[resource] ?? Infinity) < surge * (needs[resource] ?? 0),
    );
    if (short === undefined) continue;
    const pods = surge === 1 ? "the pod" : `the ${surge} pods`;
    return {
      code: "quota",
      message: `the quota ${name} has no room (${short}) for ${pods} that a restart adds for a while`,
    };
  }
  return undefined;
}
