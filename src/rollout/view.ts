import { count } from "../wording.ts";
import type { Target } from "../mesh/running-pods.ts";
import type { RollingPod, Rollout, WorkloadRef } from "../snapshot.ts";

/** A workload and its pods, as one poll found them after an accepted restart. */
export interface RolloutView {
  readonly ref: WorkloadRef;
  readonly rollout: Rollout;
  /** The current `restartedAt` of the template, or `restartAt` of an Argo Rollout. */
  readonly restartedAt: string | undefined;
  /** The pods, including terminating ones, but not those that have finished. */
  readonly pods: readonly RollingPod[];
  /** The API server's reasons why pods could not be created; the newest last. */
  readonly refusals: readonly string[];
}

/** A restart, as it was sent. */
export interface Restart {
  readonly target: Target;
  readonly restartedAt: string;
}

/** The pods of a rollout that are not terminating. */
export interface PodsByAge {
  /** The pods that the restart made. */
  readonly newPods: readonly RollingPod[];
  readonly oldPods: readonly RollingPod[];
  /** True if a change by somebody else replaced the template that the restart had made. */
  readonly superseded: boolean;
}

/**
 * Separates new pods from old pods. The annotations of new pods contain the time of the restart. If
 * somebody else removed that time, as `kubectl replace`, an undo or a sync does, the pods with the
 * target image count as new.
 */
export function podsByAge(view: RolloutView, { target, restartedAt }: Restart): PodsByAge {
  const superseded = view.restartedAt !== restartedAt;
  const isNew = (pod: RollingPod) => {
    if (superseded) return pod.image === target.image;
    // An Argo Rollout keeps its template: its new pods are those created since.
    return view.rollout.kind === "Rollout"
      ? pod.createdAt >= restartedAt
      : pod.restartedAt === restartedAt;
  };
  const live = view.pods.filter(({ terminating }) => !terminating);
  return {
    newPods: live.filter(isNew),
    oldPods: live.filter((pod) => !isNew(pod)),
    superseded,
  };
}

/** The number of old pods that are ready, as the end of a sentence. */
export function stillServing(oldPods: readonly RollingPod[]): string {
  const ready = oldPods.filter((pod) => pod.ready).length;
  return ready === 0
    ? "no old pod is serving"
    : count(ready, "old pod", ["still serves", "still serve"]);
}
