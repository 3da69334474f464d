import type { V1Pod } from "@kubernetes/client-node";
import { RESTARTED_AT, type RollingPod } from "../snapshot.ts";
import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";
import { podGroupRecord } from "./pod-group.ts";

/** Lists the pods of one workload during its rollout, without finished ones. */
export async function readRollingPods(
  api: Api,
  namespace: string,
  labelSelector: string,
): Promise<readonly RollingPod[]> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const pods = await listAll<V1Pod>(api, { path, kind: "PodList", labelSelector });
  return pods
    .filter(({ status }) => status?.phase !== "Succeeded" && status?.phase !== "Failed")
    .map(rollingPod);
}

export function rollingPod(pod: V1Pod): RollingPod {
  const { metadata, spec, status } = pod;
  const { image, ready, trouble } = podGroupRecord(pod);
  const scheduled = status?.conditions?.find(({ type }) => type === "PodScheduled");
  return {
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    image,
    ready: ready > 0,
    terminating: metadata?.deletionTimestamp !== undefined,
    node: spec?.nodeName ?? intendedNode(pod),
    // A string in JSON, although the client's types say `Date`.
    createdAt: String(metadata?.creationTimestamp ?? ""),
    restartedAt: metadata?.annotations?.[RESTARTED_AT],
    trouble,
    unschedulable:
      scheduled?.status === "False" && scheduled.reason === "Unschedulable"
        ? (scheduled.message ?? "")
        : undefined,
  };
}

/** Returns the node that the DaemonSet controller requests by name for a pod not yet scheduled. */
function intendedNode({ spec }: V1Pod): string | undefined {
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms
    ?.flatMap(({ matchFields }) => matchFields ?? [])
    .find(({ key }) => key === "metadata.name")?.values?.[0];
}
