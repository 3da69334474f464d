import type { V1Pod } from "@kubernetes/client-node";
import { RESTARTED_AT, type RollingPod, type WorkloadRef } from "../snapshot.ts";
import type { Api } from "../http/api.ts";
import { listAll } from "../http/pages.ts";
import { groupPath } from "../kubernetes/api-paths.ts";
import { type ApiOwned, OWNED } from "./api-objects.ts";
import { podGroupRecord } from "./pod-group.ts";
import { controllerOf, podController } from "./pods-by-owner.ts";

/** Lists the pods of one workload during its rollout, without those that have succeeded. */
export type RollingPodReader = (labelSelector: string) => Promise<readonly RollingPod[]>;

/**
 * Creates a reader of the pods of one workload. Several workloads may select the same pods: their
 * controllers decide. The ReplicaSets are read again only when a pod names an unknown one.
 */
export function createRollingPodReader(
  api: Api,
  { namespace, kind, uid }: WorkloadRef,
): RollingPodReader {
  /** True for the ReplicaSets of the workload, by their uids. */
  const replicaSets = new Map<string, boolean>();

  async function learnReplicaSets(pods: readonly V1Pod[], labelSelector: string): Promise<void> {
    const named = pods.flatMap((pod) => podController(pod) ?? []);
    if (named.every((owner) => owner.kind !== "ReplicaSet" || replicaSets.has(owner.uid))) return;
    const path = `${groupPath("apps/v1", namespace)}/replicasets`;
    const list = { path, kind: "ReplicaSetList", item: OWNED, metadataOnly: true, labelSelector };
    for (const { metadata } of await listAll<ApiOwned>(api, list)) {
      const controller = controllerOf(metadata?.ownerReferences);
      replicaSets.set(metadata?.uid ?? "", controller?.uid === uid);
    }
    for (const owner of named) if (!replicaSets.has(owner.uid)) replicaSets.set(owner.uid, false);
  }

  return async (labelSelector) => {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    const pods = await listAll<V1Pod>(api, { path, kind: "PodList", labelSelector });
    const live = pods.filter(({ status }) => status?.phase !== "Succeeded");
    const hasReplicaSets = kind === "Deployment" || kind === "Rollout";
    if (hasReplicaSets) await learnReplicaSets(live, labelSelector);
    const isOwn = (pod: V1Pod) => {
      const owner = podController(pod)?.uid;
      if (owner === undefined) return false;
      return hasReplicaSets ? replicaSets.get(owner) === true : owner === uid;
    };
    return live.filter(isOwn).map(rollingPod);
  };
}

export function rollingPod(pod: V1Pod): RollingPod {
  const { metadata, spec, status } = pod;
  const { image, ready, trouble, unready } = podGroupRecord(pod);
  return {
    name: metadata?.name ?? "",
    uid: metadata?.uid ?? "",
    image,
    ready: ready > 0,
    ...readySinceOf(pod),
    ...restartsOf(pod),
    unreadySince: unready?.since,
    blocker: unready?.blocker,
    failed: status?.phase === "Failed",
    terminating: metadata?.deletionTimestamp !== undefined,
    node: spec?.nodeName ?? intendedNode(pod),
    // A string in JSON, although the client's types say `Date`.
    createdAt: String(metadata?.creationTimestamp ?? ""),
    restartedAt: metadata?.annotations?.[RESTARTED_AT],
    trouble,
  };
}

function readySinceOf({ status }: V1Pod): Pick<RollingPod, "readySince"> {
  const ready = status?.conditions?.find(({ type }) => type === "Ready");
  const time = ready?.status === "True" ? ready.lastTransitionTime : undefined;
  // A string in JSON, although the client's types say `Date`.
  return time === undefined ? {} : { readySince: String(time) };
}

/** Reads the restarts of containers and native sidecars. An init container may run again at any time. */
function restartsOf({ spec, status }: V1Pod): Pick<RollingPod, "restarts"> {
  const sidecars = new Set(
    (spec?.initContainers ?? []).flatMap(({ name, restartPolicy }) =>
      restartPolicy === "Always" ? [name] : [],
    ),
  );
  const restarts = [
    ...(status?.initContainerStatuses ?? []).filter(({ name }) => sidecars.has(name)),
    ...(status?.containerStatuses ?? []),
  ].flatMap(({ name, restartCount, lastState }) => {
    if (!restartCount) return [];
    const { reason, exitCode } = lastState?.terminated ?? {};
    const end = [reason ?? "", exitCode === undefined ? "" : `exit code ${exitCode}`];
    const lastEnd = end.filter((text) => text !== "").join(", ");
    return [{ container: name, count: restartCount, ...(lastEnd !== "" && { lastEnd }) }];
  });
  return restarts.length === 0 ? {} : { restarts };
}

/** Returns the node that the DaemonSet controller requests by name for a pod not yet scheduled. */
function intendedNode({ spec }: V1Pod): string | undefined {
  const terms =
    spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  return terms
    ?.flatMap(({ matchFields }) => matchFields ?? [])
    .find(({ key }) => key === "metadata.name")?.values?.[0];
}
