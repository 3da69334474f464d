import { count } from "../wording.ts";
import type {
  DeploymentRollout,
  ArgoRollout,
  DaemonSetRollout,
  Rollout,
  StatefulSetRollout,
} from "../snapshot.ts";

/** How far a rollout is, read off one object. */
export interface RolloutStatus {
  readonly state: "done" | "waiting" | "failed";
  readonly message: string;
  /** New pods that serve, of those wanted. */
  readonly ready: number;
  readonly wanted: number;
}

/**
 * kubectl's rules for the state of a rollout.
 * Source: k8s.io/kubectl `pkg/polymorphichelpers/rollout_status.go`. Until the controller has seen
 * the newest generation the status is that of the previous rollout, and looks finished.
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

/** Pods are being replaced, by whoever asked for it: more than one that is not available. */
export function isReplacing(rollout: Rollout): boolean {
  if (rolloutStatus(rollout).state !== "waiting") return false;
  if (isUnseen(rollout)) return true;
  switch (rollout.kind) {
    case "Deployment":
      return rollout.status.updated < Math.max(rollout.replicas, rollout.status.replicas);
    case "StatefulSet":
      return rollout.status.updated < rollout.replicas - rollout.partition;
    case "DaemonSet":
      return rollout.status.updated < rollout.status.desired;
    case "Rollout":
      return rollout.phase === "Progressing";
  }
}

/** Nothing goes on until a person says so. */
export function isPaused(rollout: Rollout | undefined): boolean {
  if (rollout?.kind === "Deployment") return rollout.paused;
  return rollout?.kind === "Rollout" && rollout.phase === "Paused";
}

/**
 * As `kubectl argo rollouts status` does, by the controller's own account.
 * Source: argoproj/argo-rollouts `utils/rollout/rolloututil.go`, GetRolloutPhase.
 */
function argoStatus(rollout: ArgoRollout): RolloutStatus {
  const { phase, message, replicas: wanted, status } = rollout;
  const at = progress(Math.min(status.updated, status.available, wanted), wanted);
  if (isUnseen(rollout)) return at("waiting", "the controller has not seen the change yet");
  if (phase === "Healthy") return at("done", "rolled out");
  if (phase === "Degraded") return at("failed", `it is degraded: ${message}`);
  return at("waiting", message || "its controller says nothing of it yet");
}

/** Nothing rolls by itself: kubectl refuses to tell how far it is, too. */
function unfollowable(rollout: StatefulSetRollout | DaemonSetRollout): RolloutStatus {
  const { ready, updated, wanted } =
    rollout.kind === "StatefulSet"
      ? { ...rollout.status, wanted: rollout.replicas }
      : { ...rollout.status, ready: rollout.status.available, wanted: rollout.status.desired };
  return progress(Math.min(updated, ready, wanted), wanted)(
    "failed",
    "its update strategy is OnDelete: it has no rollout",
  );
}

function deploymentStatus(deployment: DeploymentRollout): RolloutStatus {
  const { replicas: wanted, status } = deployment;
  // The status does not tell whose pods are available: old ones are taken to be.
  const old = Math.max(0, status.replicas - status.updated);
  const ready = Math.min(status.updated, Math.max(0, status.available - old));
  const at = progress(ready, wanted);
  if (isUnseen(deployment)) return at("waiting", "the controller has not seen the change yet");
  const late = deployment.conditions.find(
    ({ type, reason }) => type === "Progressing" && reason === "ProgressDeadlineExceeded",
  );
  if (late) return at("failed", `it exceeded its progress deadline: ${late.message}`);
  if (status.updated < wanted) {
    return at("waiting", `${status.updated} of ${wanted} new pods have been created`);
  }
  if (old > 0) {
    return at("waiting", `${count(old, "old pod", ["is", "are"])} pending termination`);
  }
  if (status.available < status.updated) {
    return at("waiting", `${status.available} of ${status.updated} new pods are available`);
  }
  return at("done", "rolled out");
}

/** The API server fills in `partition`, so kubectl never gets to compare update revisions. */
function statefulSetStatus(statefulSet: StatefulSetRollout): RolloutStatus {
  const { replicas, partition, status } = statefulSet;
  const wanted = Math.max(0, replicas - partition);
  const at = progress(Math.min(status.updated, status.ready, wanted), wanted);
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
  const at = progress(Math.min(updated, available), desired);
  if (isUnseen(daemonSet)) return at("waiting", "the controller has not seen the change yet");
  if (updated < desired)
    return at("waiting", `${updated} of ${desired} new pods have been created`);
  if (available < desired) return at("waiting", `${available} of ${desired} pods are available`);
  return at("done", "rolled out");
}

function isUnseen({ generation, observedGeneration }: Rollout): boolean {
  return generation > observedGeneration;
}

function progress(ready: number, wanted: number) {
  return (state: RolloutStatus["state"], message: string): RolloutStatus => ({
    state,
    message,
    ready,
    wanted,
  });
}
