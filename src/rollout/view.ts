import { count } from "../wording.ts";
import type { Rollout, RollingPod, WorkloadRef } from "../snapshot.ts";
import type { Target } from "../mesh/running-pods.ts";

/** One look at a workload whose restart was accepted. */
export interface RolloutView {
  readonly ref: WorkloadRef;
  readonly rollout: Rollout;
  /** `restartedAt` of the template, or `restartAt` of an Argo Rollout, as it is now. */
  readonly restartedAt: string | undefined;
  /** Live and terminating ones, not those that have finished. */
  readonly pods: readonly RollingPod[];
  /** Why pods could not be created, in the API server's words; the newest last. */
  readonly refusals: readonly string[];
}

/** What the restart was to bring. */
export interface Restart {
  readonly target: Target;
  /** As it was written. */
  readonly restartedAt: string;
}

/** The live pods of a rollout, told apart. */
export interface PodsByAge {
  /** Pods that the restart made. */
  readonly fresh: readonly RollingPod[];
  /** The others. */
  readonly old: readonly RollingPod[];
  /** Somebody else's change replaced the template that the restart had made. */
  readonly superseded: boolean;
}

/**
 * Pods made by the restart carry its time. Where somebody else's change took that away, as a
 * `kubectl replace`, an undo or a sync does, only what they run tells them apart.
 */
export function podsByAge(view: RolloutView, { target, restartedAt }: Restart): PodsByAge {
  const superseded = view.restartedAt !== restartedAt;
  const isFresh = (pod: RollingPod) => {
    if (superseded) return pod.image === target.image;
    // An Argo Rollout keeps its template: its new pods are those made since.
    return view.rollout.kind === "Rollout"
      ? pod.createdAt >= restartedAt
      : pod.restartedAt === restartedAt;
  };
  const live = view.pods.filter(({ terminating }) => !terminating);
  return {
    fresh: live.filter(isFresh),
    old: live.filter((pod) => !isFresh(pod)),
    superseded,
  };
}

/** How many of them are ready, as the end of a sentence. */
export function stillServing(old: readonly RollingPod[]): string {
  const ready = old.filter((pod) => pod.ready).length;
  return ready === 0
    ? "no old pod serves any more"
    : count(ready, "old pod", ["still serves", "still serve"]);
}
