import type { Assessment } from "../mesh/assessment.ts";
import type { Target } from "../mesh/running-pods.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { type Consent, failureOf } from "../mesh/restartability.ts";
import { isPaused, isReplacing, rolloutStatus } from "./status.ts";

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
  { workload, target }: Assessment,
  mesh: Mesh,
  { unhealthy }: Consent,
): Hold | undefined {
  const istiod = mesh.revisions.get((target ?? planned).revision)?.istiod;
  if (istiod && !istiod.ready) {
    const waits = `the control plane ${istiod.name} is not ready`;
    return { message: waits, progress: waits, rolls: false };
  }
  const { rollout } = workload;
  // Somebody's decision, or a failure: no patience ends it.
  if (rollout === undefined || isPaused(rollout) || failureOf(workload)) return undefined;
  const { state, message } = rolloutStatus(rollout);
  // What was not ready before may never be; it was asked for all the same.
  if (state !== "waiting" || (unhealthy && !isReplacing(rollout))) return undefined;
  const progress = JSON.stringify([message, rollout.status]);
  return { message: `it is rolling already: ${message}`, progress, rolls: true };
}
