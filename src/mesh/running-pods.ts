import type { PodGroup } from "../snapshot.ts";
import type { Age } from "./age.ts";
import { type Change, compareImages } from "./image.ts";

/** The image and the revision that injection gives a new pod. */
export interface Target {
  readonly revision: string;
  readonly image: string;
}

/** Live pods of one workload that run the same sidecar, compared with the target. */
export interface RunningPods extends PodGroup {
  /** The change that a restart brings to the sidecar; `none` if the pods have no sidecar. */
  readonly change: Change;
  /** The time for which they have been outdated; absent if they are not, or if it was not asked for. */
  readonly outdatedFor?: Age;
}

/** @param target `undefined` if no target is known; the change is then `none`. */
export function compareWithTarget(group: PodGroup, target: Target | undefined): RunningPods {
  return { ...group, change: target === undefined ? "none" : changeTo(target, group) };
}

/** Returns the change from a sidecar to a target; `none` if there is no sidecar. */
export function changeTo(
  target: Target,
  { image, revision }: Pick<PodGroup, "image" | "revision">,
): Change {
  if (image === undefined) return "none";
  const change = compareImages(image, target.image);
  return change === "none" && revision !== undefined && revision !== target.revision
    ? "revision"
    : change;
}

/** True if the pods have the sidecar of the target. Pods may not name their revision. */
export function hasTarget({ image, revision }: PodGroup, target: Target): boolean {
  return image === target.image && (revision ?? target.revision) === target.revision;
}

/** True if the pods have a sidecar that differs from the target. */
export function isOutdated({ image, change }: RunningPods): boolean {
  return image !== undefined && change !== "none";
}

export function hasSidecar({ image }: PodGroup): boolean {
  return image !== undefined;
}

export function countPods(groups: readonly PodGroup[]): number {
  return groups.reduce((sum, { pods }) => sum + pods, 0);
}
