import { compareText, type Workload } from "../snapshot.ts";
import type { ApiOwned } from "./api-objects.ts";
import { controllerOf, type Owner, type PodsByOwner } from "./pods-by-owner.ts";

/** The records of one namespace, before its pods are assigned to its workloads. */
export interface NamespaceBatch {
  readonly namespace: string;
  /** The listed workloads, without their pods. */
  readonly workloads: Workload[];
  /** The controllers of ReplicaSets, and of pods that may create pods, by the uid of their object. */
  readonly controllers: Map<string, Owner>;
  /** Pods, by the uid of their direct owner. */
  readonly podsByOwner: Map<string, PodsByOwner>;
}

export function newBatch(namespace: string): NamespaceBatch {
  return { namespace, workloads: [], controllers: new Map(), podsByOwner: new Map() };
}

/** Adds the controller of one ReplicaSet, Job or pod, if it has one. */
export function addController(controllers: Map<string, Owner>, { metadata }: ApiOwned): void {
  const controller = controllerOf(metadata?.ownerReferences);
  if (controller !== undefined) controllers.set(metadata?.uid ?? "", controller);
}

/**
 * Merges lists that are read concurrently into one batch per namespace. A list reads its next
 * namespace only after the consumer asks for the next batch, so that one namespace at a time is in
 * memory.
 *
 * @param lists the batches of each list, in the order of their namespaces.
 */
export async function* mergeByNamespace(
  lists: readonly AsyncIterator<NamespaceBatch, undefined>[],
): AsyncGenerator<NamespaceBatch, undefined> {
  /** The next batch of each list that has one. */
  const heads = new Map<AsyncIterator<NamespaceBatch, undefined>, NamespaceBatch>();
  let toRead = lists;
  for (;;) {
    await Promise.all(
      toRead.map(async (list) => {
        const { value } = await list.next();
        if (value !== undefined) heads.set(list, value);
      }),
    );
    const [first] = [...heads.values()].sort(byNamespace);
    if (first === undefined) return undefined;
    const { namespace } = first;
    toRead = lists.filter((list) => heads.get(list)?.namespace === namespace);
    const batches = toRead.flatMap((list) => heads.get(list) ?? []);
    for (const list of toRead) heads.delete(list);
    yield joined(namespace, batches);
  }
}

function joined(namespace: string, batches: readonly NamespaceBatch[]): NamespaceBatch {
  return {
    namespace,
    workloads: batches.flatMap(({ workloads }) => workloads),
    controllers: new Map(batches.flatMap(({ controllers }) => [...controllers])),
    podsByOwner: new Map(batches.flatMap(({ podsByOwner }) => [...podsByOwner])),
  };
}

function byNamespace(a: NamespaceBatch, b: NamespaceBatch): number {
  return compareNamespaces(a.namespace, b.namespace);
}

/**
 * Compares namespaces in the order of lists. The API server lists objects by their keys,
 * `namespace/name` byte by byte, because a `continue` token names the key to start from.
 * Source: k8s.io/apiserver `pkg/storage/continue.go`.
 */
export function compareNamespaces(a: string, b: string): number {
  return compareText(`${a}/`, `${b}/`);
}
