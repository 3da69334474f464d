import { isUnseen } from "../mesh/ongoing-rollout.ts";
import { count } from "../wording.ts";
import type {
  DeploymentRollout,
  ArgoRollout,
  DaemonSetRollout,
  Rollout,
  StatefulSetRollout,
} from "../snapshot.ts";

/** The progress of a rollout, as the status of the workload shows it. */
export interface RolloutStatus {
  readonly state: "done" | "waiting" | "failed";
  readonly message: string;
  /** The number of new pods that are ready, if all old ones are: the status does not separate them. */
  readonly ready: number;
  readonly wanted: number;
}

/**
 * Returns the status of a rollout by kubectl's rules. Until the controller has seen the newest
 * generation, the status is that of the previous rollout, which may have finished.
 * Source: k8s.io/kubectl `pkg/polymorphichelpers/rollout_status.go`.
 */
export function rolloutStatus(rollout: Rollout): RolloutStatus {
  if (rollout.strategy === "OnDelete") return unfollowable(rollout);
  switch (rollout.kind) {
    case "Deployment":
      return deploymentStatus(rollout);
    case "StatefulSet":
      return statefulSetStatus(rollout);
    case "DaemonSet":
      return daemonSetStatus(rollout);
    case "Rollout":
      return argoStatus(rollout);
  }
}

/** True if the rollout continues only after somebody resumes it. */
export function isPaused(rollout: Rollout | undefined): boolean {
  if (rollout?.kind === "Deployment") return rollout.paused;
  return rollout?.kind === "Rollout" && rollout.phase === "Paused";
}

/**
 * Follows the controller's own phase, as `kubectl argo rollouts status` does.
 * Source: argoproj/argo-rollouts `utils/rollout/rolloututil.go`, GetRolloutPhase.
 */
function argoStatus(rollout: ArgoRollout): RolloutStatus {
  const { phase, message, replicas: wanted, status } = rollout;
  const old = Math.max(0, status.replicas - status.updated);
  const at = progress(status.updated, status.available, old, wanted);
  if (isUnseen(rollout)) return at("waiting", "the controller has not seen the change yet");
  if (phase === "Healthy") return at("done", "rolled out");
  if (phase === "Degraded") return at("failed", `degraded: ${message}`);
  return at("waiting", message || "its controller has not reported a status yet");
}

/** With OnDelete, the controller starts no rollout. kubectl reports an error, too. */
function unfollowable(rollout: StatefulSetRollout | DaemonSetRollout): RolloutStatus {
  const { ready, updated, wanted } =
    rollout.kind === "StatefulSet"
      ? { ...rollout.status, wanted: rollout.replicas }
      : { ...rollout.status, ready: rollout.status.available, wanted: rollout.status.desired };
  return progress(
    updated,
    ready,
    wanted - updated,
    wanted,
  )("failed", "its update strategy is OnDelete: it has no rollout");
}

function deploymentStatus(deployment: DeploymentRollout): RolloutStatus {
  const { replicas: wanted, status } = deployment;
  const old = Math.max(0, status.replicas - status.updated);
  const at = progress(status.updated, status.available, old, wanted);
  if (isUnseen(deployment)) return at("waiting", "the controller has not seen the change yet");
  const late = deployment.conditions.find(
    ({ type, reason }) => type === "Progressing" && reason === "ProgressDeadlineExceeded",
  );
  if (late) return at("failed", `progress deadline exceeded: ${late.message}`);
  if (status.updated < wanted) {
    return at("waiting", `${status.updated} of ${wanted} new pods have been created`);
  }
  if (old > 0) {
    return at("waiting", `${count(old, "old pod")} left`);
  }
  if (status.available < status.updated) {
    return at("waiting", `${status.available} of ${status.updated} new pods are available`);
  }
  return at("done", "rolled out");
}

/** The API server sets `partition`, so kubectl's comparison of update revisions never runs. */
function statefulSetStatus(statefulSet: StatefulSetRollout): RolloutStatus {
  const { replicas, partition, status } = statefulSet;
  const wanted = Math.max(0, replicas - partition);
  const at = progress(status.updated, status.ready, replicas - status.updated, wanted);
  if (statefulSet.observedGeneration === 0 || isUnseen(statefulSet)) {
    return at("waiting", "the controller has not seen the change yet");
  }
  if (status.ready < replicas) {
    return at("waiting", `${status.ready} of ${replicas} pods are ready`);
  }
  if (status.updated < wanted) {
    return at("waiting", `${status.updated} of ${wanted} new pods have been created`);
  }
  return at("done", "rolled out");
}

function daemonSetStatus(daemonSet: DaemonSetRollout): RolloutStatus {
  const { desired, updated, available } = daemonSet.status;
  const at = progress(updated, available, desired - updated, desired);
  if (isUnseen(daemonSet)) return at("waiting", "the controller has not seen the change yet");
  if (updated < desired)
    return at("waiting", `${updated} of ${desired} new pods have been created`);
  if (available < desired) return at("waiting", `${available} of ${desired} pods are available`);
  return at("done", "rolled out");
}

/**
 * @param updated the new pods.
 * @param ready the ready pods, old and new.
 * @param old the old pods.
 */
function progress(updated: number, ready: number, old: number, wanted: number) {
  return (state: RolloutStatus["state"], message: string): RolloutStatus => ({
    state,
    message,
    ready: Math.min(updated, wanted, Math.max(0, ready - Math.max(0, old))),
    wanted,
  });
}
