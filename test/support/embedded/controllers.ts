import { reconcileDeployment, reconcileReplicaSet } from "./deployment.ts";
import type { KubeObject } from "./kinds.ts";
import { recordEvent } from "./events.ts";
import { reconcileRollout } from "./argo-rollout.ts";
import { ANY_NODE, nodeFor, unscheduledStatus } from "./nodes.ts";
import {
  durationOf,
  failureOf,
  FLAP_MS,
  isTerminating,
  startedStatus,
  STUMBLE_MS,
  withTransitions,
} from "./pods.ts";
import { Refusal } from "./refusal.ts";
import { reconcileDaemonSet, reconcileStatefulSet } from "./sets.ts";
import { type Store, keyOf } from "./store.ts";
import { setStatus } from "./write.ts";

/** The arguments of every controller. */
export interface Cluster {
  readonly store: Store;
  readonly options: EmbeddedOptions;
  /**
   * True if `ms` have passed since the first call with these arguments. Otherwise the object is
   * reconciled again at that time.
   */
  readonly isDue: (object: KubeObject, what: string, ms: number) => boolean;
}

export interface EmbeddedOptions {
  /** The number of nodes. */
  readonly nodes: number;
  /** The time from a pod's creation until its containers run. */
  readonly startMs: number;
  /** The time for which a deleted pod is terminating. */
  readonly terminateMs: number;
  /** The time for which a changed workload shows its old status. */
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
 * Starts the controllers and the kubelet. After every change the object and its owners are
 * reconciled, each in its state at that time.
 *
 * @returns a function that stops them.
 */
export function startControllers(store: Store, options: EmbeddedOptions): () => void {
  const scheduled = new Map<string, { readonly timer: NodeJS.Timeout; readonly due: number }>();
  const firstAsked = new Map<string, number>();
  const cluster: Cluster = { store, options, isDue };
  let stopped = false;

  function schedule(kind: string, namespace: string, name: string, afterMs: number): void {
    const key = `${kind}/${keyOf({ namespace, name })}`;
    const due = Date.now() + afterMs;
    const planned = scheduled.get(key);
    if (stopped || (planned && planned.due <= due)) return;
    clearTimeout(planned?.timer);
    const reconcileNow = () => {
      scheduled.delete(key);
      const object = store.get(kind, namespace, name);
      if (object) reconcile(object);
    };
    scheduled.set(key, { timer: setTimeout(reconcileNow, afterMs), due });
  }

  function isDue({ kind, metadata }: KubeObject, what: string, ms: number): boolean {
    const key = `${metadata.uid} ${what}`;
    const since = firstAsked.get(key) ?? Date.now();
    firstAsked.set(key, since);
    const left = since + ms - Date.now();
    if (left > 0) schedule(kind, metadata.namespace, metadata.name, left);
    return left <= 0;
  }

  function reconcile(object: KubeObject): void {
    if (object.kind === "Pod") return runPod(object);
    const reconciler = RECONCILERS[object.kind];
    if (reconciler === undefined) return;
    const { namespace, name, generation } = object.metadata;
    if (!isDue(object, `generation ${generation}`, options.lagMs)) return;
    try {
      reconciler(cluster, object);
    } catch (error) {
      // As in every controller, a rejected request is repeated and reported as an event.
      if (!(error instanceof Refusal)) throw error;
      schedule(object.kind, namespace, name, 100);
      if (object.kind === "ReplicaSet" || object.kind === "DaemonSet") {
        recordEvent(store, object, "FailedCreate", `Error creating: ${error.message}`);
      }
    }
  }

  function runPod(pod: KubeObject): void {
    const isHeld = (pod.metadata.finalizers ?? []).length > 0;
    const terminateMs = Math.max(options.terminateMs, durationOf(pod, "drain"));
    if (isTerminating(pod) && !isHeld && isDue(pod, "end", terminateMs)) {
      return store.drop(pod);
    }
    if (isTerminating(pod)) return;
    const node = nodeFor(store, pod);
    if (node === undefined) {
      // The scheduler tries again as soon as there may be room.
      schedule("Pod", pod.metadata.namespace, pod.metadata.name, 100);
      return setStatus(store, pod, unscheduledStatus(store, pod));
    }
    if (pod.spec.nodeName !== node && node !== ANY_NODE) {
      store.put({ ...pod, spec: { ...pod.spec, nodeName: node } });
      return;
    }
    if (pod.status?.phase === "Failed" || pod.status?.isFixed) return;
    const wanted = failureOf(pod);
    const isOver =
      (wanted === "Stumble" && isDue(pod, "stumble", STUMBLE_MS)) ||
      (wanted === "Flapping" && isUpNow(pod));
    const failure = isOver ? undefined : wanted;
    const ready = isDue(pod, "ready", Math.max(options.startMs, durationOf(pod, "readyAfter")));
    if (!isDue(pod, "start", options.startMs)) return;
    const restarts = isOver && wanted === "Stumble" ? 1 : 0;
    const status = startedStatus(pod, ready && failure === undefined, failure, restarts);
    setStatus(store, pod, withTransitions(pod.status, status));
  }

  /** True in every second period of the life of a pod that flaps. */
  function isUpNow(pod: KubeObject): boolean {
    let periods = 0;
    while (isDue(pod, `period ${periods}`, FLAP_MS)) periods++;
    return periods % 2 === 1;
  }

  store.onChange(({ kind, metadata }) => {
    schedule(kind, metadata.namespace, metadata.name, 0);
    for (const owner of metadata.ownerReferences ?? []) {
      schedule(owner.kind, metadata.namespace, owner.name, 0);
    }
  });
  return () => {
    stopped = true;
    for (const { timer } of scheduled.values()) clearTimeout(timer);
  };
}
