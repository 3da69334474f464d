import { count } from "../wording.ts";
import type { Target } from "../mesh/running-pods.ts";
import type { EvictionBlock } from "../mesh/disruption.ts";
import {
  compareText,
  type RollingPod,
  type Rollout,
  type TemplateManager,
  type WorkloadRef,
} from "../snapshot.ts";

/** A workload and its pods, as one poll found them after an accepted restart. */
export interface RolloutView {
  readonly ref: WorkloadRef;
  readonly rollout: Rollout;
  /** The current `restartedAt` of the template, or `restartAt` of an Argo Rollout. */
  readonly restartedAt: string | undefined;
  /** The pods, including terminating ones and those that have failed. */
  readonly pods: readonly RollingPod[];
  /** The API server's reasons why pods could not be created; the newest last. */
  readonly refusals: readonly string[];
  /** The reason why Argo Rollouts cannot evict a pod to restart it; absent for other kinds. */
  readonly evictionBlock?: EvictionBlock | undefined;
  readonly templateManagers?: readonly TemplateManager[] | undefined;
}

/** A restart, as it was sent. */
export interface Restart {
  readonly target: Target;
  readonly restartedAt: string;
}

/** The pods of a rollout. */
export interface PodsByAge {
  /** The pods that the restart made, without terminating and failed ones. */
  readonly newPods: readonly RollingPod[];
  /** The other pods, without terminating and failed ones. */
  readonly oldPods: readonly RollingPod[];
  /** The pods that the restart made and that have failed, the newest last. */
  readonly failed: readonly RollingPod[];
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
  const live = view.pods.filter(isLive);
  return {
    newPods: live.filter(isNew),
    oldPods: live.filter((pod) => !isNew(pod)),
    failed: view.pods.filter((pod) => pod.failed && isNew(pod)).toSorted(byCreation),
    superseded,
  };
}

/**
 * Separates the pods of the current template from old pods, in a rollout that this run did not start:
 * the status says how many there are. They have the time of its last restart, and are the youngest
 * ones that do.
 */
export function podsOfCurrentTemplate({
  rollout,
  pods,
  restartedAt: time,
}: RolloutView): PodsByAge {
  const mayBeNew = (pod: RollingPod) => rollout.kind === "Rollout" || pod.restartedAt === time;
  const live = pods
    .filter(isLive)
    .toSorted(
      (one, other) => Number(mayBeNew(other)) - Number(mayBeNew(one)) || byCreation(other, one),
    );
  const { restartAt } = rollout.kind === "Rollout" && rollout.restarting ? rollout : NOT_RESTARTING;
  // A restart of an Argo Rollout keeps the template, so that its status does not count new pods.
  const updated =
    restartAt === undefined
      ? rollout.status.updated
      : live.filter(({ createdAt }) => createdAt >= restartAt).length;
  const oldPods = live.slice(updated);
  const newestOld = oldPods.toSorted(byCreation).at(-1)?.createdAt ?? "";
  return {
    newPods: live.slice(0, updated),
    oldPods,
    failed: pods
      .filter((pod) => pod.failed && mayBeNew(pod) && pod.createdAt > newestOld)
      .toSorted(byCreation),
    superseded: false,
  };
}

const NOT_RESTARTING = { restartAt: undefined };

/** True if a pod is neither terminating nor failed. */
function isLive({ terminating, failed }: RollingPod): boolean {
  return !terminating && !failed;
}

function byCreation(one: RollingPod, other: RollingPod): number {
  return compareText(one.createdAt, other.createdAt);
}

/** The number of pods that are ready. */
export function countReady(pods: readonly RollingPod[]): number {
  return pods.filter(({ ready }) => ready).length;
}

/**
 * Finds the pods of a DaemonSet for whose nodes it waits: the new ones that are not ready, and those that are
 * still terminating. For other kinds a node says no more than the pods do.
 */
export function awaitedOnNodes(
  { rollout, pods }: RolloutView,
  { newPods }: PodsByAge,
): readonly RollingPod[] {
  if (rollout.kind !== "DaemonSet") return [];
  const unready = newPods.filter(({ ready }) => !ready);
  const terminating = pods.filter((pod) => pod.terminating && !pod.failed);
  return [...unready, ...terminating].filter(({ node }) => node !== undefined);
}

/** The number of the nodes of some pods, as the end of a sentence about one of them. */
export function moreNodes(awaited: readonly RollingPod[]): string {
  const others = new Set(awaited.map(({ node }) => node)).size - 1;
  return others > 0 ? `, and for ${count(others, "more node")}` : "";
}

/** The milliseconds for which a pod must be ready until it is available. */
export function minReadyOf({ minReadySeconds }: Rollout): number {
  return minReadySeconds * 1000;
}

/** The number of old pods that are ready, as the end of a sentence. */
export function stillServing(oldPods: readonly RollingPod[]): string {
  const ready = countReady(oldPods);
  return ready === 0
    ? "no old pod is serving"
    : count(ready, "old pod", ["still serves", "still serve"]);
}
