import { reconcileDeployment, reconcileReplicaSet } from "./deployment.ts";
import type { KubeObject } from "./kinds.ts";
import { recordEvent } from "./events.ts";
import { reconcileRollout } from "./argo-rollout.ts";
import { hasNode, unscheduledStatus } from "./nodes.ts";
import { failureOf, isTerminating, readyAfter, startedStatus } from "./pods.ts";
import { Refusal } from "./refusal.ts";
import { reconcileDaemonSet, reconcileStatefulSet } from "./sets.ts";
import { type Store, keyOf } from "./store.ts";
import { setStatus } from "./write.ts";

/** What a controller works with. */
export interface Cluster {
  readonly store: Store;
  readonly world: World;
  /** Whether `ms` have gone by since this was first asked; if not, the object is looked at then. */
  readonly isDue: (object: KubeObject, what: string, ms: number) => boolean;
}

export interface World {
  /** How many nodes DaemonSets find. */
  readonly nodes: number;
  /** From a pod's creation until its containers run. */
  readonly startMs: number;
  /** How long a deleted pod is seen Terminating. */
  readonly terminateMs: number;
  /** How long a changed workload shows its old status. */
  readonly lagMs: number;
}

const RECONCILERS: Readonly<Record<string, (cluster: Cluster, object: KubeObject) => void>> = {
  Deployment: reconcileDeployment,
  ReplicaSet: reconcileReplicaSet,
  StatefulSet: reconcileStatefulSet,
  DaemonSet: reconcileDaemonSet,
  Rollout: reconcileRollout,
};

/**
 * Controllers and kubelet in one: after every change an object and its owners are looked at, each
 * as it is by then.
 *
 * @returns what stops them.
 */
export function startControllers(store: Store, world: World): () => void {
  const looks = new Map<string, { readonly timer: NodeJS.Timeout; readonly due: number }>();
  const firstAsked = new Map<string, number>();
  const cluster: Cluster = { store, world, isDue };
  let stopped = false;

  function lookAt(kind: string, namespace: string, name: string, afterMs: number): void {
    const key = `${kind}/${keyOf({ namespace, name })}`;
    const due = Date.now() + afterMs;
    const planned = looks.get(key);
    if (stopped || (planned && planned.due <= due)) return;
    clearTimeout(planned?.timer);
    const look = () => {
      looks.delete(key);
      const object = store.get(kind, namespace, name);
      if (object) work(object);
    };
    looks.set(key, { timer: setTimeout(look, afterMs), due });
  }

  function isDue({ kind, metadata }: KubeObject, what: string, ms: number): boolean {
    const key = `${metadata.uid} ${what}`;
    const since = firstAsked.get(key) ?? Date.now();
    firstAsked.set(key, since);
    const left = since + ms - Date.now();
    if (left > 0) lookAt(kind, metadata.namespace, metadata.name, left);
    return left <= 0;
  }

  function work(object: KubeObject): void {
    if (object.kind === "Pod") return runPod(object);
    const reconcile = RECONCILERS[object.kind];
    if (reconcile === undefined) return;
    const { namespace, name, generation } = object.metadata;
    if (!isDue(object, `generation ${generation}`, world.lagMs)) return;
    try {
      reconcile(cluster, object);
    } catch (error) {
      // What the API refuses is tried again and said, as every controller does.
      if (!(error instanceof Refusal)) throw error;
      lookAt(object.kind, namespace, name, 100);
      if (object.kind === "ReplicaSet" || object.kind === "DaemonSet") {
        recordEvent(store, object, "FailedCreate", `Error creating: ${error.message}`);
      }
    }
  }

  function runPod(pod: KubeObject): void {
    if (isTerminating(pod) && isDue(pod, "end", world.terminateMs)) return store.drop(pod);
    if (isTerminating(pod)) return;
    if (!hasNode(store, pod)) return setStatus(store, pod, unscheduledStatus(store, pod));
    const failure = failureOf(pod);
    const ready = isDue(pod, "ready", Math.max(world.startMs, readyAfter(pod)));
    if (!isDue(pod, "start", world.startMs)) return;
    setStatus(store, pod, startedStatus(pod, ready && failure === undefined, failure));
  }

  store.onChange(({ kind, metadata }) => {
    lookAt(kind, metadata.namespace, metadata.name, 0);
    for (const owner of metadata.ownerReferences ?? []) {
      lookAt(owner.kind, metadata.namespace, owner.name, 0);
    }
  });
  return () => {
    stopped = true;
    for (const { timer } of looks.values()) clearTimeout(timer);
  };
}
