import { countReady, type PodsByAge } from "./view.ts";

/**
 * The times at which a run first saw a rollout make progress, in milliseconds since the epoch. Pods
 * that come and go between two reads are not seen.
 */
export interface Milestones {
  /** `undefined` until the run has seen a new pod. */
  readonly firstPodAt: number | undefined;
  /** The time at which all new pods were ready; `undefined` until then. */
  readonly readyAt: number | undefined;
}

export const NO_MILESTONES: Milestones = { firstPodAt: undefined, readyAt: undefined };

/**
 * Notes the milestones that one read shows. A milestone stays, even if a pod becomes unready again.
 *
 * @param wanted the number of new pods that should be ready.
 * @param now milliseconds since the epoch.
 */
export function noteMilestones(
  before: Milestones,
  { newPods }: Pick<PodsByAge, "newPods">,
  wanted: number,
  now: number,
): Milestones {
  const isSeen = newPods.length > 0;
  const isReady = isSeen && countReady(newPods) >= wanted;
  return {
    firstPodAt: before.firstPodAt ?? (isSeen ? now : undefined),
    readyAt: before.readyAt ?? (isReady ? now : undefined),
  };
}
