import type { Rollout } from "../snapshot.ts";

/** True if the controller has not seen the newest generation, so that the status is an older one. */
export function isUnseen({ generation, observedGeneration }: Rollout): boolean {
  return generation > observedGeneration;
}

/**
 * True if pods are being replaced. A workload with unready pods alone replaces none, and neither does a
 * StatefulSet that only creates its pods: an OrderedReady one creates the next pod once the last is ready.
 */
export function isReplacing(rollout: Rollout): boolean {
  if (rollout.strategy === "OnDelete") return false;
  if (isUnseen(rollout)) return true;
  switch (rollout.kind) {
    case "Deployment":
      return rollout.status.updated < Math.max(rollout.replicas, rollout.status.replicas);
    case "StatefulSet":
      return !rollout.growing && rollout.status.updated < rollout.replicas - rollout.partition;
    case "DaemonSet":
      return rollout.status.updated < rollout.status.desired;
    case "Rollout":
      return (
        rollout.phase === "Progressing" &&
        (rollout.restarting ||
          rollout.status.updated < Math.max(rollout.replicas, rollout.status.replicas))
      );
  }
}

/**
 * True if an old pod has ended to make room for a new one that does not exist yet. The controller
 * tries again to create it, after a pause that doubles each time.
 */
export function hasFreedRoom(rollout: Rollout): boolean {
  return (
    (rollout.kind === "Deployment" || rollout.kind === "Rollout") &&
    rollout.status.replicas < rollout.replicas
  );
}
