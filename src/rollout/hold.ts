import type { Assessment } from "../mesh/assessment.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { isReplacing } from "../mesh/ongoing-rollout.ts";
import type { Consent } from "../mesh/consent.ts";
import { goesBack, isRejectedByInjector } from "../mesh/way-back.ts";
import { isStuck } from "../mesh/restartability.ts";
import type { Target } from "../mesh/running-pods.ts";
import type { Rollout } from "../snapshot.ts";
import { type Hindrance, hindranceOf } from "./hindrance.ts";
import type { Patience } from "./stall.ts";
import { isPaused, rolloutStatus } from "./status.ts";
import { countReady, minReadyOf, podsOfCurrentTemplate, type RolloutView } from "./view.ts";

/** The reason why a restart waits for a rollout of somebody else, or for the control plane. */
export interface Hold {
  readonly message: string;
  /** The number of new pods that are ready. */
  readonly ready: number;
  /** Milliseconds for which a pod must be ready until it is available. */
  readonly minReady: number;
  /** True if the workload itself is rolling. */
  readonly isOwnRollout: boolean;
  /** A problem of the new pods; the rollout is stuck once its grace period is over. */
  readonly hindrance: Hindrance | undefined;
  /** The uids of the new pods that have failed. */
  readonly failures: readonly string[];
}

/** True if the pods of the rollout show whether it continues. */
export function isInProgress(rollout: Rollout): boolean {
  return rolloutStatus(rollout).state === "waiting" && !isPaused(rollout);
}

/** The settings of a run that decide how long a workload waits. */
export interface HoldRules extends Pick<Patience, "schedulingTimeout"> {
  readonly consent: Consent;
}

/**
 * Returns the reason why a workload cannot be restarted yet; `undefined` if nothing holds it.
 *
 * @param planned the target in the plan: without its control plane no target can be predicted.
 * @param view the pods; `undefined` if the workload is not rolling.
 */
export function holdReason(
  planned: Target,
  { workload, running, target, restart }: Assessment,
  mesh: Mesh,
  { consent: { unhealthy, back }, schedulingTimeout }: HoldRules,
  view: RolloutView | undefined,
): Hold | undefined {
  const istiod = mesh.revisions.get((target ?? planned).revision)?.istiod;
  if (istiod && !istiod.ready) {
    const message = `the control plane ${istiod.name} is not ready`;
    return {
      message,
      ready: 0,
      minReady: 0,
      isOwnRollout: false,
      hindrance: undefined,
      failures: [],
    };
  }
  const { rollout } = workload;
  // Nothing waits for a rollout of the revision that pods leave: it may never end.
  const isLeft = back && target !== undefined && goesBack(running, target);
  if (isLeft && !mayNeedDeletion(rollout)) return undefined;
  if (back && isRejectedByInjector(rollout)) return undefined;
  // A pause or a failure does not end by waiting.
  if (rollout === undefined || !isInProgress(rollout)) return undefined;
  const isRolling = isReplacing(rollout);
  // An unready workload may never become ready, and the user asked to restart it as it is.
  if (!isRolling && (unhealthy || isRefused(restart))) return undefined;
  const status = rolloutStatus(rollout);
  const minReady = minReadyOf(rollout);
  if (view === undefined) {
    const message = `already rolling: ${status.message}`;
    return { ...status, message, minReady, isOwnRollout: true, hindrance: undefined, failures: [] };
  }
  const pods = podsOfCurrentTemplate(view);
  const hindrance = isRolling
    ? hindranceOf(view, pods, { schedulingTimeout, isJoined: true })
    : undefined;
  const unready = pods.newPods.find(({ ready }) => !ready);
  const message = isRolling
    ? `already rolling: ${hindrance?.message ?? status.message}`
    : `not ready yet: ${unready === undefined ? status.message : `its pod ${unready.name} is not ready`}`;
  return {
    message,
    ready: countReady(pods.newPods),
    minReady,
    isOwnRollout: isRolling,
    hindrance,
    failures: isRolling ? pods.failed.map(({ uid }) => uid) : [],
  };
}

/** True for a workload in which a restart may replace no pod as long as one is not ready. */
function mayNeedDeletion(rollout: Rollout | undefined): boolean {
  return rollout?.kind === "Rollout" || (rollout?.kind === "StatefulSet" && rollout.ordered);
}

/** A restart that is refused for another reason than its present rollout needs no wait. */
function isRefused(restart: Assessment["restart"]): boolean {
  return restart.answer === "refused" && !isStuck(restart);
}
