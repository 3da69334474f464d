import type { Workload } from "../snapshot.ts";
import type { ApiOwned } from "./api-objects.ts";
import { controllerOf, type Owner, type PodsByOwner } from "./pods-by-owner.ts";

/** What was read of one namespace, before it is put together. */
export interface NamespaceBatch {
  /** Without their pods. */
  readonly workloads: Workload[];
  /** Who controls a ReplicaSet, by the uid of that. */
  readonly controllers: Map<string, Owner>;
  /** By the uid of the pods' direct owner. */
  readonly podsByOwner: Map<string, PodsByOwner>;
}

export function newBatch(workloads: readonly Workload[] = []): NamespaceBatch {
  return { workloads: [...workloads], controllers: new Map(), podsByOwner: new Map() };
}

/** Adds one ReplicaSet, or one Job, of which only the metadata is known. */
export function addController(controllers: Map<string, Owner>, { metadata }: ApiOwned): void {
  const controller = controllerOf(metadata?.ownerReferences);
  if (controller !== undefined) controllers.set(metadata?.uid ?? "", controller);
}
