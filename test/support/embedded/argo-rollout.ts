import { matchesSelector } from "../../../src/kubernetes/selector.ts";
import type { Cluster } from "./controllers.ts";
import { replicaSet, roll } from "./deployment.ts";
import type { KubeObject } from "./kinds.ts";
import { hashOf, isReady, isTerminating } from "./pods.ts";
import type { Store } from "./store.ts";
import { create, remove, setStatus } from "./write.ts";

const HASH = "rollouts-pod-template-hash";

/**
 * Reconciles a Rollout as a canary without steps. A restart evicts the pods that are older than it.
 */
export function reconcileRollout(cluster: Cluster, rollout: KubeObject): void {
  const { store } = cluster;
  const { metadata, spec, status } = rollout;
  const template = templateOf(store, rollout);
  if (template === undefined) return;
  const replicas: number = spec.replicas ?? 1;
  const rollingUpdate = { maxSurge: "25%", maxUnavailable: "25%" };
  const resolved = { ...rollout, spec: { ...spec, template } };
  // The hash differs from the hash of the Deployment that may provide the template.
  const hash = hashOf({ spec: { template: { [HASH]: template } } });
  const current =
    store.owned(rollout).find((set) => set.metadata.labels[HASH] === hash) ??
    create(store, replicaSet(resolved, hash, HASH));
  const old = store.owned(rollout).filter((set) => set.metadata.name !== current.metadata.name);
  if (!spec.paused) roll(store, { replicas, strategy: { rollingUpdate } }, current, old);
  const restartedAt = restartPods(cluster, rollout) ? spec.restartAt : status.restartedAt;
  const sets = store.owned(rollout);
  const count = (field: string) => sets.reduce((sum, set) => sum + (set.status[field] ?? 0), 0);
  const updated = sets.find((set) => set.metadata.labels[HASH] === hash)?.status.replicas ?? 0;
  const counts = {
    replicas: count("replicas"),
    updatedReplicas: updated,
    readyReplicas: count("readyReplicas"),
    availableReplicas: count("availableReplicas"),
  };
  setStatus(store, rollout, {
    observedGeneration: String(metadata.generation),
    currentPodHash: hash,
    stableRS: hash,
    ...counts,
    ...(restartedAt && { restartedAt }),
    ...phaseOf(spec, replicas, counts, restartedAt),
    conditions: sets.flatMap((set) => set.status.conditions ?? []).slice(0, 1),
  });
}

function templateOf(store: Store, { metadata, spec }: KubeObject): KubeObject | undefined {
  const { workloadRef } = spec;
  if (workloadRef === undefined) return spec.template;
  return store.get(workloadRef.kind, metadata.namespace, workloadRef.name)?.spec.template;
}

/**
 * Evicts as many older pods as may be unavailable at a time. Returns true if no older pod is left.
 */
function restartPods({ store, isDue }: Cluster, rollout: KubeObject): boolean {
  const { restartAt, replicas = 1 } = rollout.spec;
  if (restartAt === undefined || restartAt === rollout.status.restartedAt) return false;
  const now = Date.now();
  const early = Date.parse(restartAt) - now;
  if (early > 0 && !isDue(rollout, `restart ${restartAt}, asked at ${now}`, early)) return false;
  const pods = store.owned(rollout).flatMap((set) => store.owned(set));
  const older = pods.filter(({ metadata }) => metadata.creationTimestamp < restartAt);
  const available = pods.filter((pod) => !isTerminating(pod) && isReady(pod)).length;
  const most = Math.max(0, available - (replicas - Math.max(1, Math.floor(replicas / 4))));
  // No test has a budget that allows some evictions.
  const isHeld = store
    .list("PodDisruptionBudget", rollout.metadata.namespace)
    .some(({ spec }) => matchesSelector(pods[0]?.metadata.labels ?? {}, spec.selector));
  if (isHeld) return false;
  const evicted = older.filter((pod) => !isTerminating(pod)).slice(0, most);
  for (const pod of evicted) remove(store, pod);
  return older.length === evicted.length;
}

function phaseOf(
  { paused, restartAt }: KubeObject,
  replicas: number,
  counts: KubeObject,
  restartedAt: string | undefined,
): KubeObject {
  const progressing = (message: string) => ({ phase: "Progressing", message });
  if (paused) return { phase: "Paused", message: "manually paused" };
  if (restartAt !== restartedAt) return progressing("rollout is restarting");
  if (counts["updatedReplicas"] < replicas) return progressing("more replicas need to be updated");
  if (counts["availableReplicas"] < counts["updatedReplicas"]) {
    return progressing("updated replicas are still becoming available");
  }
  if (counts["replicas"] > counts["updatedReplicas"]) {
    return progressing("old replicas are pending termination");
  }
  return { phase: "Healthy" };
}
