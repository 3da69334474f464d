import type { Cluster } from "./controllers.ts";
import { scaled } from "./deployment.ts";
import { recordEvent } from "./events.ts";
import type { KubeObject } from "./kinds.ts";
import { hashOf, isReady, isTerminating, podOf } from "./pods.ts";
import type { Store } from "./store.ts";
import { create, remove, setStatus } from "./write.ts";

const HASH = "controller-revision-hash";
const INDEX = "apps.kubernetes.io/pod-index";

export function reconcileStatefulSet({ store }: Cluster, set: KubeObject): void {
  const { metadata } = set;
  const revision = `${metadata.name}-${hashOf(set)}`;
  advance(store, set, revision);
  const live = store.owned(set).filter((pod) => !isTerminating(pod));
  const ready = live.filter(isReady).length;
  setStatus(store, set, {
    observedGeneration: metadata.generation,
    replicas: live.length,
    readyReplicas: ready || undefined,
    availableReplicas: ready,
    updatedReplicas: live.filter((pod) => isOf(pod, revision)).length || undefined,
  });
}

/**
 * Changes one pod at a time: creates the first missing pod, then shrinks and rolls from the highest
 * ordinal down.
 */
function advance(store: Store, set: KubeObject, revision: string): void {
  const { metadata, spec } = set;
  const pods = store.owned(set).sort((a, b) => ordinalOf(a) - ordinalOf(b));
  for (let ordinal = 0; ordinal < spec.replicas; ordinal++) {
    const pod = pods.find((other) => ordinalOf(other) === ordinal);
    if (pod === undefined) {
      const name = `${metadata.name}-${ordinal}`;
      const labels = { [HASH]: revision, [INDEX]: String(ordinal) };
      createOrReport(store, set, podOf(set, { name, labels }));
    }
    if (pod === undefined || isTerminating(pod) || !isReady(pod)) return;
  }
  const { type, rollingUpdate } = spec.updateStrategy;
  const isDoomed = (pod: KubeObject) =>
    ordinalOf(pod) >= spec.replicas ||
    (type === "RollingUpdate" && ordinalOf(pod) >= rollingUpdate.partition && !isOf(pod, revision));
  const next = pods.findLast(isDoomed);
  if (next) remove(store, next);
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
export function reconcileDaemonSet({ store, options: { nodes } }: Cluster, set: KubeObject): void {
  const { metadata, spec } = set;
  const hash = hashOf(set);
  const pods = store.owned(set);
  for (let node = 0; node < nodes; node++) {
    const nodeName = `node-${node}`;
    if (pods.some((pod) => pod.spec.nodeName === nodeName)) continue;
    const pod = podOf(set, { generateName: `${metadata.name}-`, labels: { [HASH]: hash } });
    create(store, { ...pod, spec: { ...pod.spec, nodeName } });
  }
  const live = pods.filter((pod) => !isTerminating(pod));
  const ready = live.filter(isReady).length;
  const { type, rollingUpdate } = spec.updateStrategy;
  if (type === "RollingUpdate") {
    // Unavailable pods are replaced at once, and the others as far as maxUnavailable allows.
    const down = nodes - ready;
    let spare = scaled(rollingUpdate.maxUnavailable, nodes, Math.ceil) - down;
    for (const pod of live.filter((one) => !isOf(one, hash))) {
      if (!isReady(pod) || spare-- > 0) remove(store, pod);
    }
  }
  setStatus(store, set, {
    observedGeneration: metadata.generation,
    desiredNumberScheduled: nodes,
    currentNumberScheduled: live.length,
    updatedNumberScheduled: live.filter((pod) => isOf(pod, hash)).length || undefined,
    numberReady: ready,
    numberAvailable: ready || undefined,
  });
}
