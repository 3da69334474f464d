import type { Assessment, Target } from "../mesh/assess.ts";
import type { Mesh } from "../mesh/mesh.ts";
import type { Consent } from "../mesh/restartability.ts";
import { openRollout } from "./incomplete.ts";
import { isReplacing } from "./status.ts";

/** Why a restart waits. */
export interface Hold {
  readonly message: string;
  /** Changes where what is waited for got on: a StatefulSet has the same pods ready for long. */
  readonly progress: string;
  /** It is the workload itself that rolls. */
  readonly rolls: boolean;
}

/**
 * Why nothing may start right now, although it soon might.
 *
 * @param planned where it would go by the plan: without its control plane nothing seems to inject it.
 */
export function holdReason(
  planned: Target,
  { workload, target, verdict }: Assessment,
  mesh: Mesh,
  { unhealthy, current }: Consent,
): Hold | undefined {
  const istiod = mesh.revisions.get((target ?? planned).revision)?.istiod;
  if (istiod && !istiod.ready) {
    const waits = `the control plane ${istiod.name} is not ready`;
    return { message: waits, progress: waits, rolls: false };
  }
  const { rollout } = workload;
  const open = openRollout(workload);
  // What was not ready before may never be; it was asked for all the same.
  const asIs = unhealthy && (current || verdict !== "current");
  if (!rollout || !open || (asIs && !isReplacing(rollout))) return undefined;
  const { message } = open;
  const progress = JSON.stringify([message, rollout.status]);
  return { message: `it is rolling already: ${message}`, progress, rolls: true };
}
