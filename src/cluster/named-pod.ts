import type { V1Pod } from "@kubernetes/client-node";
import { CannotRun } from "../errors.ts";
import { connectionHint } from "../http/connection-hint.ts";
import { ApiError, failureCodeOf, isForbidden, isNotFound } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { groupPath } from "../kubernetes/api-paths.ts";
import { kubectl, sentence } from "../next-step.ts";
import type { NamedPod, WorkloadRef } from "../snapshot.ts";
import { podGroupRecord } from "./pod-group.ts";
import { MOST_OWNERS } from "./owner-chain.ts";
import { controllerOf, podController } from "./pods-by-owner.ts";

export interface FoundPod extends NamedPod {
  /** The uid of the controller at the end of the owner chain; the pod's own if it has none. */
  readonly ownerUid: string;
}

/**
 * Gets a pod by its name, with the workload that it belongs to. Only references with
 * `controller: true` lead to the workload.
 *
 * @throws CannotRun if the pod does not exist, or the user is not allowed to read it.
 */
export async function findPod(api: Api, namespace: string, name: string): Promise<FoundPod> {
  const pod: V1Pod = await getObject(api, PODS, namespace, name);
  const ref = { namespace, kind: "Pod", name, uid: pod.metadata?.uid ?? "" };
  return {
    name,
    phase: pod.status?.phase ?? "Unknown",
    terminating: pod.metadata?.deletionTimestamp !== undefined,
    group: podGroupRecord(pod),
    ownerUid: (await lastController(api, ref, pod)).uid,
  };
}

/**
 * Finds the controller at the end of the owner chain of a ReplicaSet, a Job or a
 * ReplicationController; the object itself if it has none.
 *
 * @returns `undefined` for other kinds.
 * @throws CannotRun if the object does not exist, or the user is not allowed to read it.
 */
export async function findController(
  api: Api,
  namespace: string,
  { kind, name }: { readonly kind: string; readonly name: string },
): Promise<WorkloadRef | undefined> {
  const resource = INTERMEDIATE.find((one) => one.kind === kind);
  if (resource === undefined) return undefined;
  const found = await getObject(api, resource, namespace, name);
  return lastController(api, { namespace, kind, name, uid: found.metadata?.uid ?? "" }, found);
}

interface Resource {
  readonly kind: "Pod" | "ReplicaSet" | "Job" | "ReplicationController";
  readonly group: string;
  readonly plural: string;
}

const PODS: Resource = { kind: "Pod", group: "v1", plural: "pods" };

/** Controllers of pods that may have a controller themselves. */
const INTERMEDIATE: readonly Resource[] = [
  PODS,
  { kind: "ReplicaSet", group: "apps/v1", plural: "replicasets" },
  { kind: "Job", group: "batch/v1", plural: "jobs" },
  { kind: "ReplicationController", group: "v1", plural: "replicationcontrollers" },
];

/** Finds the controller at the end of the owner chain of an object. */
async function lastController(
  api: Api,
  ref: WorkloadRef,
  first: Pick<V1Pod, "kind" | "metadata">,
): Promise<WorkloadRef> {
  const { namespace } = ref;
  let object = first;
  let last = ref;
  for (let step = 0; step < MOST_OWNERS; step++) {
    const controller =
      object.kind === "Pod"
        ? podController(object)
        : controllerOf(object.metadata?.ownerReferences);
    if (controller === undefined) return last;
    const { kind, name, uid } = controller;
    last = { namespace, kind, name, uid };
    const resource = INTERMEDIATE.find((one) => one.kind === kind);
    if (resource === undefined) return last;
    object = await getObject(api, resource, namespace, name);
  }
  return last;
}

async function getObject(
  api: Api,
  { kind, group, plural }: Resource,
  namespace: string,
  name: string,
): Promise<Pick<V1Pod, "kind" | "metadata">> {
  const path = `${groupPath(group, namespace)}/${plural}/${name}`;
  try {
    return await api.send({ method: "GET", path, kind });
  } catch (error) {
    if (isNotFound(error)) {
      throw new CannotRun(
        `${kind.toLowerCase()}/${name} does not exist in the namespace "${namespace}"`,
        sentence`see what exists: ${kubectl("get", plural, "-n", namespace)}`,
        { code: "not-found" },
      );
    }
    if (!(error instanceof ApiError)) throw error;
    if (!isForbidden(error)) {
      throw new CannotRun(
        `${kind.toLowerCase()}/${name} in the namespace "${namespace}" could not be read: ${error.message}`,
        connectionHint(
          error,
          sentence`check whether kubectl can: ${kubectl("get", plural, name, "-n", namespace)}`,
        ),
        { cause: error, code: failureCodeOf(error) },
      );
    }
    throw new CannotRun(
      `you may not get ${plural} in the namespace "${namespace}", so the owner of the pod is unknown`,
      sentence`explain its workload instead, or ask for the permission: ${kubectl("auth", "can-i", "get", plural, "-n", namespace)}`,
      { cause: error, code: "forbidden" },
    );
  }
}
