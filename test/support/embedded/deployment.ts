import type { Cluster } from "./controllers.ts";
import type { KubeObject } from "./kinds.ts";
import {
  controlledBy,
  hashOf,
  isAvailable,
  isFailed,
  isReady,
  isTerminating,
  podOf,
} from "./pods.ts";
import { Refusal } from "./refusal.ts";
import type { Store } from "./store.ts";
import { create, remove, setStatus, update } from "./write.ts";

const HASH = "pod-template-hash";

/**
 * Reconciles a Deployment with one ReplicaSet per template: the newest grows while the others
 * shrink.
 */
export function reconcileDeployment(cluster: Cluster, deployment: KubeObject): void {
  const { store } = cluster;
  const { metadata, spec } = deployment;
  const hash = hashOf(deployment);
  // A pod may name a Deployment as its controller, too.
  const sets = store.owned(deployment).filter(({ kind }) => kind === "ReplicaSet");
  const found = sets.find((set) => set.metadata.labels[HASH] === hash);
  if (!spec.paused) {
    const current = found ?? create(store, replicaSet(deployment, hash));
    const old = sets.filter((set) => set !== current);
    if (spec.strategy.type === "Recreate") recreate(store, spec, current, old);
    else roll(store, spec, current, old);
  }
  const count = (field: string) => sets.reduce((sum, set) => sum + (set.status[field] ?? 0), 0);
  const counts = {
    replicas: count("replicas"),
    updatedReplicas: found?.status.replicas,
    readyReplicas: count("readyReplicas"),
    availableReplicas: count("availableReplicas"),
  };
  setStatus(store, deployment, {
    observedGeneration: metadata.generation,
    ...counts,
    conditions: [
      progressing(cluster, deployment, hash, counts),
      // A failure of any ReplicaSet is a failure of the Deployment, too.
      ...sets.flatMap((set) => set.status.conditions ?? []).slice(0, 1),
    ],
  });
}

/** @param label the label by which the owner distinguishes its ReplicaSets. */
export function replicaSet(deployment: KubeObject, hash: string, label = HASH): KubeObject {
  const { metadata, spec } = deployment;
  const labels = { ...spec.template.metadata.labels, [label]: hash };
  return {
    kind: "ReplicaSet",
    metadata: {
      name: `${metadata.name}-${hash}`,
      namespace: metadata.namespace,
      labels,
      ownerReferences: [controlledBy(deployment)],
    },
    spec: {
      replicas: 0,
      minReadySeconds: spec.minReadySeconds ?? 0,
      selector: { matchLabels: { ...spec.selector.matchLabels, [label]: hash } },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
}

function resize(store: Store, set: KubeObject, replicas: number): void {
  update(store, set, { ...set, spec: { ...set.spec, replicas } });
}

function recreate(store: Store, spec: KubeObject, current: KubeObject, old: KubeObject[]): void {
  for (const set of old) resize(store, set, 0);
  if (old.every((set) => store.owned(set).length === 0)) resize(store, current, spec.replicas);
}

/**
 * Grows the new ReplicaSet as far as maxSurge allows, and shrinks the old ones to what is required.
 */
export function roll(store: Store, spec: KubeObject, current: KubeObject, old: KubeObject[]): void {
  const { replicas, strategy } = spec;
  const surge = scaled(strategy.rollingUpdate.maxSurge, replicas, Math.ceil);
  const unavailable = scaled(strategy.rollingUpdate.maxUnavailable, replicas, Math.floor);
  // If both were zero, a rollout could never start.
  const least = replicas - (surge + unavailable === 0 ? 1 : unavailable);
  const available = (set: KubeObject): number => set.status.availableReplicas ?? 0;
  const total = [current, ...old].reduce((sum, set) => sum + set.spec.replicas, 0);
  const have: number = current.spec.replicas;
  const size = Math.min(replicas, have + Math.max(0, replicas + surge - total));
  resize(store, current, size);
  // Old pods must replace every new pod that is not available yet.
  let spare = total - have + size - least - (size - available(current));
  for (const set of old.toSorted((a, b) => available(a) - available(b))) {
    const fewer = Math.max(0, Math.min(spare, set.spec.replicas));
    resize(store, set, set.spec.replicas - fewer);
    spare -= fewer;
  }
}

/** Returns a number, or the percentage of `whole`. */
export function scaled(
  value: number | string,
  whole: number,
  round: (x: number) => number,
): number {
  return typeof value === "number" ? value : round((Number.parseInt(value, 10) * whole) / 100);
}

/** Returns the condition `Progressing`. A template that was once complete stays complete. */
function progressing(
  { isDue }: Cluster,
  deployment: KubeObject,
  hash: string,
  counts: KubeObject,
): KubeObject {
  const { metadata, spec, status } = deployment;
  const condition = (value: string, reason: string, what: string) => ({
    type: "Progressing",
    status: value,
    reason,
    message: `ReplicaSet "${metadata.name}-${hash}" ${what}`,
  });
  if (spec.paused) return condition("Unknown", "DeploymentPaused", "is paused.");
  const complete = condition("True", "NewReplicaSetAvailable", "has successfully progressed.");
  const { replicas, updatedReplicas, availableReplicas } = counts;
  const whole = [replicas, updatedReplicas, availableReplicas].every((n) => n === spec.replicas);
  if (whole || status.conditions?.[0].message === complete.message) return complete;
  const progress = `progress ${metadata.generation} ${JSON.stringify(counts)}`;
  return isDue(deployment, progress, spec.progressDeadlineSeconds * 1000)
    ? condition("False", "ProgressDeadlineExceeded", "has timed out progressing.")
    : condition("True", "ReplicaSetUpdated", "is progressing.");
}

export function reconcileReplicaSet(cluster: Cluster, set: KubeObject): void {
  const { store } = cluster;
  const { spec, metadata } = set;
  const pods = store.owned(set);
  // Pods that are not ready are deleted first.
  const live = pods
    .filter((pod) => !isTerminating(pod) && !isFailed(pod))
    .sort((a, b) => Number(isReady(b)) - Number(isReady(a)));
  for (const pod of live.splice(spec.replicas)) remove(store, pod);
  const refusal = refusalOf(() => {
    while (live.length < spec.replicas) {
      live.push(create(store, podOf(set, { generateName: `${metadata.name}-` })));
    }
  });
  const ready = live.filter(isReady);
  const available = ready.filter((pod) => isAvailable(cluster, set, pod));
  setStatus(store, set, {
    observedGeneration: metadata.generation,
    replicas: live.length,
    readyReplicas: ready.length || undefined,
    availableReplicas: available.length || undefined,
    // A Deployment with the strategy Recreate waits until the last of these is gone.
    terminatingReplicas: store.owned(set).filter(isTerminating).length,
    ...(refusal && { conditions: [replicaFailure(refusal)] }),
  });
  if (refusal) throw refusal;
}

function refusalOf(work: () => void): Refusal | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

function replicaFailure({ message }: Refusal): KubeObject {
  return { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message };
}
