import type { BuiltInKind } from "../kubernetes/kinds.ts";
import { completeSelector } from "../kubernetes/selector.ts";
import type {
  DaemonSetRollout,
  DeploymentRollout,
  Rollout,
  StatefulSetRollout,
} from "../snapshot.ts";
import type { ApiDaemonSet, ApiDeployment, ApiStatefulSet } from "./api-objects.ts";

export type RestartableObject = ApiDeployment | ApiStatefulSet | ApiDaemonSet;

/** Returns the settings and the progress of a workload's rollout. */
export function rolloutRecord(kind: BuiltInKind, object: RestartableObject): Rollout {
  const base = {
    generation: object.metadata?.generation ?? 0,
    observedGeneration: object.status?.observedGeneration ?? 0,
    resourceVersion: object.metadata?.resourceVersion ?? "",
    selector: completeSelector(object.spec?.selector),
    minReadySeconds: object.spec?.minReadySeconds ?? 0,
    ...stepSize(kind, object),
  };
  switch (kind) {
    case "Deployment":
      return { ...base, ...deploymentFacts(object) };
    case "StatefulSet":
      return { ...base, ...statefulSetFacts(object) };
    case "DaemonSet":
      return { ...base, ...daemonSetFacts(object) };
  }
}

/**
 * Returns how many pods a rolling update adds and removes at a time. A StatefulSet has no surge.
 * Source: k8s.io/kubernetes `pkg/controller/deployment/util` (`ResolveFenceposts`) and
 * `pkg/controller/daemon/util` (`SurgeCount`). Both round a surge up.
 */
function stepSize(
  kind: BuiltInKind,
  object: RestartableObject,
): Pick<Rollout, "surge" | "unavailable"> {
  switch (kind) {
    case "Deployment": {
      const { spec }: ApiDeployment = object;
      const { replicas = 1, strategy } = spec ?? {};
      if (strategy?.type === "Recreate") return { surge: 0, unavailable: replicas };
      const surge = resolveLimit(strategy?.rollingUpdate?.maxSurge ?? "25%", replicas, Math.ceil);
      const limit = strategy?.rollingUpdate?.maxUnavailable ?? "25%";
      const unavailable = resolveLimit(limit, replicas, Math.floor);
      return { surge, unavailable: surge + unavailable === 0 ? 1 : unavailable };
    }
    case "StatefulSet": {
      const { spec }: ApiStatefulSet = object;
      const { replicas = 1, updateStrategy } = spec ?? {};
      const limit = updateStrategy?.rollingUpdate?.maxUnavailable ?? 1;
      return { surge: 0, unavailable: Math.max(1, resolveLimit(limit, replicas, Math.ceil)) };
    }
    case "DaemonSet": {
      const { spec, status }: ApiDaemonSet = object;
      const desired = status?.desiredNumberScheduled ?? 0;
      const limits = spec?.updateStrategy?.rollingUpdate;
      const surge = resolveLimit(limits?.maxSurge ?? 0, desired, Math.ceil);
      const unavailable = resolveLimit(limits?.maxUnavailable ?? 1, desired, Math.ceil);
      return { surge, unavailable: surge > 0 ? 0 : Math.max(1, unavailable) };
    }
  }
}

/** Resolves a limit that is a number of pods, or a percentage of all of them. */
export function resolveLimit(
  limit: number | string,
  all: number,
  round: (pods: number) => number,
): number {
  const [, percent] = /^(\d+)%$/.exec(String(limit)) ?? [];
  return percent === undefined ? Number(limit) : round((Number(percent) * all) / 100);
}

/** The fields of one kind, without those that `rolloutRecord` fills in for every kind. */
type Facts<Kind extends Rollout> = Omit<
  Kind,
  | "generation"
  | "observedGeneration"
  | "resourceVersion"
  | "selector"
  | "surge"
  | "unavailable"
  | "minReadySeconds"
>;

function deploymentFacts({ spec, status }: ApiDeployment): Facts<DeploymentRollout> {
  return {
    kind: "Deployment",
    replicas: spec?.replicas ?? 1,
    paused: spec?.paused === true,
    strategy: spec?.strategy?.type === "Recreate" ? "Recreate" : "RollingUpdate",
    ...replicaFacts(status),
  };
}

function statefulSetFacts({ spec, status }: ApiStatefulSet): Facts<StatefulSetRollout> {
  return {
    kind: "StatefulSet",
    replicas: spec?.replicas ?? 1,
    strategy: spec?.updateStrategy?.type === "OnDelete" ? "OnDelete" : "RollingUpdate",
    ordered: spec?.podManagementPolicy !== "Parallel",
    partition: spec?.updateStrategy?.rollingUpdate?.partition ?? 0,
    firstOrdinal: spec?.ordinals?.start ?? 0,
    growing: isGrowing(status),
    status: { ready: status?.readyReplicas ?? 0, updated: status?.updatedReplicas ?? 0 },
  };
}

/**
 * True if no update is in progress, and every pod has the newest template. After an undo the revisions
 * are the same, although some pods have another template.
 */
function isGrowing(status: ApiStatefulSet["status"]): boolean {
  const { currentRevision, updateRevision, replicas = 0, updatedReplicas = 0 } = status ?? {};
  const isSame = currentRevision !== undefined && currentRevision === updateRevision;
  return isSame && replicas === updatedReplicas;
}

function daemonSetFacts({ spec, status }: ApiDaemonSet): Facts<DaemonSetRollout> {
  return {
    kind: "DaemonSet",
    strategy: spec?.updateStrategy?.type === "OnDelete" ? "OnDelete" : "RollingUpdate",
    status: {
      desired: status?.desiredNumberScheduled ?? 0,
      updated: status?.updatedNumberScheduled ?? 0,
      available: status?.numberAvailable ?? 0,
    },
  };
}

/** Returns the status fields that Deployments and Argo Rollouts have in common. */
export function replicaFacts(
  status: Omit<NonNullable<ApiDeployment["status"]>, "observedGeneration"> | undefined,
): Pick<DeploymentRollout, "status" | "conditions"> {
  return {
    status: {
      replicas: status?.replicas ?? 0,
      updated: status?.updatedReplicas ?? 0,
      available: status?.availableReplicas ?? 0,
    },
    conditions: (status?.conditions ?? []).map((condition) => ({
      type: condition.type ?? "",
      status: condition.status ?? "",
      reason: condition.reason ?? "",
      message: condition.message ?? "",
    })),
  };
}
