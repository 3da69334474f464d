import type { Cluster } from "./controllers.ts";
import { scaled } from "./deployment.ts";
import { recordEvent } from "./events.ts";
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
import type { Store } from "./store.ts";
import { create, remove, setStatus } from "./write.ts";

const HASH = "controller-revision-hash";
const INDEX = "apps.kubernetes.io/pod-index";

export function reconcileStatefulSet(cluster: Cluster, set: KubeObject): void {
  const { store } = cluster;
  const { metadata } = set;
  const revision = `${metadata.name}-${hashOf(set)}`;
  recordRevision(store, set, revision);
  advance(cluster, set, revision);
  const live = podsOf(store, set).filter((pod) => !isTerminating(pod));
  const ready = live.filter(isReady).length;
  const updated = live.filter((pod) => isOf(pod, revision)).length;
  const { currentRevision = revision } = set.status;
  const isComplete = ready === set.spec.replicas && updated === set.spec.replicas;
  setStatus(store, set, {
    observedGeneration: metadata.generation,
    currentRevision: isComplete ? revision : currentRevision,
    updateRevision: revision,
    replicas: live.length,
    readyReplicas: ready || undefined,
    availableReplicas: live.filter((pod) => isAvailable(cluster, set, pod)).length,
    updatedReplicas: updated || undefined,
  });
}

/**
 * Creates missing pods, then shrinks and rolls one pod at a time, from the highest ordinal down. Unless
 * the policy is Parallel, every pod waits until those before it are available.
 */
function advance(cluster: Cluster, set: KubeObject, revision: string): void {
  const { store } = cluster;
  const { metadata, spec } = set;
  removeFailed(store, set);
  const pods = podsOf(store, set).sort((a, b) => ordinalOf(a) - ordinalOf(b));
  const isOrdered = spec.podManagementPolicy !== "Parallel";
  for (let ordinal = 0; ordinal < spec.replicas; ordinal++) {
    const pod = pods.find((other) => ordinalOf(other) === ordinal);
    if (pod === undefined) {
      const name = `${metadata.name}-${ordinal}`;
      const labels = { [HASH]: revision, [INDEX]: String(ordinal) };
      createOrReport(store, set, podOf(set, { name, labels }));
    }
    const isReplaced = pod === undefined || isTerminating(pod);
    if (isOrdered && (isReplaced || !isAvailable(cluster, set, pod))) return;
  }
  const present = podsOf(store, set).sort((a, b) => ordinalOf(a) - ordinalOf(b));
  if (present.some(isTerminating)) return;
  const { type, rollingUpdate } = spec.updateStrategy;
  const isNewUnavailable = (pod: KubeObject) =>
    isOf(pod, revision) && !isAvailable(cluster, set, pod);
  if (present.some(isNewUnavailable)) return;
  const isDoomed = (pod: KubeObject) =>
    ordinalOf(pod) >= spec.replicas ||
    (type === "RollingUpdate" && ordinalOf(pod) >= rollingUpdate.partition && !isOf(pod, revision));
  const next = present.findLast(isDoomed);
  if (next) remove(store, next);
}

function podsOf(store: Store, set: KubeObject): KubeObject[] {
  return store.owned(set).filter(({ kind }) => kind === "Pod");
}

/** Keeps the template of a set, as its controller does, for pods that are older than the next one. */
function recordRevision(store: Store, set: KubeObject, name: string): void {
  const { namespace } = set.metadata;
  if (store.get("ControllerRevision", namespace, name)) return;
  const template = { ...set.spec.template, $patch: "replace" };
  create(store, {
    kind: "ControllerRevision",
    metadata: { name, namespace, ownerReferences: [controlledBy(set)] },
    data: { spec: { template } },
  });
}

/** The pods that have failed are replaced. */
function removeFailed(store: Store, set: KubeObject): void {
  for (const pod of podsOf(store, set)) {
    if (isFailed(pod) && !isTerminating(pod)) remove(store, pod);
  }
}

function createOrReport(store: Store, set: KubeObject, pod: KubeObject): void {
  try {
    create(store, pod);
  } catch (error) {
    const { metadata } = set;
    const what = `Create Pod ${pod.metadata.name} in StatefulSet ${metadata.name} failed error`;
    recordEvent(store, set, "FailedCreate", `${what}: ${(error as Error).message}`);
    throw error;
  }
}

function ordinalOf(pod: KubeObject): number {
  return Number(pod.metadata.labels[INDEX]);
}

function isOf(pod: KubeObject, revision: string): boolean {
  return pod.metadata.labels[HASH] === revision;
}

/** Reconciles a DaemonSet: one pod on every node, created only after the old one is gone. */
export function reconcileDaemonSet(cluster: Cluster, set: KubeObject): void {
  const { store } = cluster;
  const { nodes } = cluster.options;
  const { metadata, spec } = set;
  const hash = hashOf(set);
  recordRevision(store, set, `${metadata.name}-${hash}`);
  removeFailed(store, set);
  const pods = podsOf(store, set);
  for (let node = 0; node < nodes; node++) {
    const nodeName = `node-${node}`;
    if (pods.some((pod) => pod.spec.nodeName === nodeName)) continue;
    const pod = podOf(set, { generateName: `${metadata.name}-`, labels: { [HASH]: hash } });
    create(store, { ...pod, spec: { ...pod.spec, nodeName } });
  }
  const live = pods.filter((pod) => !isTerminating(pod));
  const isUp = (pod: KubeObject) => isAvailable(cluster, set, pod);
  const available = live.filter(isUp).length;
  const { type, rollingUpdate } = spec.updateStrategy;
  if (type === "RollingUpdate") {
    // Unavailable pods are replaced at once, and the others as far as maxUnavailable allows.
    const down = nodes - available;
    let spare = scaled(rollingUpdate.maxUnavailable, nodes, Math.ceil) - down;
    for (const pod of live.filter((one) => !isOf(one, hash))) {
      if (!isUp(pod) || spare-- > 0) remove(store, pod);
    }
  }
  setStatus(store, set, {
    observedGeneration: metadata.generation,
    desiredNumberScheduled: nodes,
    currentNumberScheduled: live.length,
    updatedNumberScheduled: live.filter((pod) => isOf(pod, hash)).length || undefined,
    numberReady: live.filter(isReady).length,
    numberAvailable: available || undefined,
  });
}
