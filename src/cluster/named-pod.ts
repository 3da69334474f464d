import type { V1Pod } from "@kubernetes/client-node";
import { CannotRun } from "../errors.ts";
import type { NamedPod } from "../snapshot.ts";
import { ApiError, isForbidden, isNotFound } from "../http/api-error.ts";
import type { Api } from "../http/api.ts";
import { controllerOf, podGroupRecord } from "./pods-by-owner.ts";
import { shellWord } from "../shell-word.ts";

export interface FoundPod extends NamedPod {
  /** Uid of the controller at the end of the owner chain; the pod's own where it has none. */
  readonly ownerUid: string;
}

/**
 * A pod by its name, and the workload that it belongs to: by `controller: true` references alone.
 *
 * @throws CannotRun where it does not exist, or may not be read.
 */
export async function findPod(api: Api, namespace: string, name: string): Promise<FoundPod> {
  const pod: V1Pod = await get(api, `/api/v1/namespaces/${namespace}`, "pods", "Pod", name);
  return {
    name,
    phase: pod.status?.phase ?? "Unknown",
    terminating: pod.metadata?.deletionTimestamp !== undefined,
    group: podGroupRecord(pod),
    ownerUid: await ownerUidOf(api, namespace, pod),
  };
}

/** Controllers that may have controllers themselves. */
const BETWEEN: ReadonlyMap<string, readonly [root: string, resource: string]> = new Map([
  ["ReplicaSet", ["/apis/apps/v1", "replicasets"]],
  ["Job", ["/apis/batch/v1", "jobs"]],
]);

async function ownerUidOf(api: Api, namespace: string, { metadata }: V1Pod): Promise<string> {
  const controller = controllerOf(metadata?.ownerReferences);
  if (controller === undefined) return metadata?.uid ?? "";
  const { kind, name, uid } = controller;
  const [root, resource] = BETWEEN.get(kind) ?? [];
  if (root === undefined || resource === undefined) return uid;
  const owner = await get(api, `${root}/namespaces/${namespace}`, resource, kind, name);
  return controllerOf(owner.metadata?.ownerReferences)?.uid ?? uid;
}

async function get(
  api: Api,
  root: string,
  resource: string,
  kind: string,
  name: string,
): Promise<Pick<V1Pod, "kind" | "metadata">> {
  const [, namespace = ""] = /\/namespaces\/(.*)$/.exec(root) ?? [];
  try {
    return await api.send({ method: "GET", path: `${root}/${resource}/${name}`, kind });
  } catch (error) {
    if (isNotFound(error)) {
      throw new CannotRun(
        `${kind.toLowerCase()}/${name} does not exist in the namespace "${namespace}"`,
        `see which there are: kubectl get ${resource} -n ${namespace}`,
      );
    }
    if (!(error instanceof ApiError)) throw error;
    if (!isForbidden(error)) {
      throw new CannotRun(
        `${kind.toLowerCase()}/${name} in the namespace "${namespace}" could not be read: ${error.message}`,
        `see whether kubectl can: kubectl get ${resource} ${shellWord(name)} -n ${namespace}`,
        { cause: error },
      );
    }
    throw new CannotRun(
      `you may not get ${resource} in the namespace "${namespace}", so the owner of the pod cannot be told`,
      `explain its workload instead, or see: kubectl auth can-i get ${resource} -n ${namespace}`,
      { cause: error },
    );
  }
}
