import type { Assessment } from "../mesh/assessment.ts";
import type { Mesh } from "../mesh/mesh.ts";
import type { Consent } from "../mesh/consent.ts";
import { failureOf } from "../mesh/restartability.ts";
import type { Target } from "../mesh/running-pods.ts";
import { isPaused, isReplacing, rolloutStatus } from "./status.ts";

/** The reason why a restart waits for a rollout of somebody else, or for the control plane. */
export interface Hold {
  readonly message: string;
  /** A text that differs from the previous one if there was progress, even if the message is equal. */
  readonly progress: string;
  /** True if the workload itself is rolling. */
  readonly isOwnRollout: boolean;
}

/**
 * Returns the reason why a workload cannot be restarted yet; `undefined` if nothing holds it.
 *
 * @param planned the target in the plan: without its control plane no target can be predicted.
 */
export function holdReason(
  planned: Target,
  { workload, target }: Assessment,
  mesh: Mesh,
  { unhealthy }: Consent,
): Hold | undefined {
  const istiod = mesh.revisions.get((target ?? planned).revision)?.istiod;
  if (istiod && !istiod.ready) {
    const message = `the control plane ${istiod.name} is not ready`;
    return { message, progress: message, isOwnRollout: false };
  }
  const { rollout } = workload;
  // A pause or a failure does not end by waiting.
  if (rollout === undefined || isPaused(rollout) || failureOf(workload)) return undefined;
  const { state, message } = rolloutStatus(rollout);
  // An unready workload may never become ready, and the user asked to restart it as it is.
  if (state !== "waiting" || (unhealthy && !isReplacing(rollout))) return undefined;
  // A StatefulSet can make progress while its number of ready pods, and so its message, is the same.
  const progress = JSON.stringify([message, rollout.status]);
  return { message: `already rolling: ${message}`, progress, isOwnRollout: true };
}
