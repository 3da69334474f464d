import { listPath, groupPath } from "../kubernetes/api-paths.ts";
import { apiOf, BUILT_IN_KINDS, type BuiltInKind, isRestartable } from "../kubernetes/kinds.ts";
import type { Workload } from "../snapshot.ts";
import type { Api } from "../http/api.ts";
import type { Type } from "../http/protobuf/protobuf.ts";
import {
  type ApiOwned,
  type ApiPod,
  DAEMON_SET,
  DEPLOYMENT,
  OWNED,
  POD,
  STATEFUL_SET,
} from "./api-objects.ts";
import type { Gaps } from "./gaps.ts";
import {
  addController,
  mergeByNamespace,
  newBatch,
  type NamespaceBatch,
} from "./namespace-batch.ts";
import { type NamespacedList, readBatches } from "./namespaced-list.ts";
import { createOnDemandOwners, type OnDemandOwners } from "./on-demand-owners.ts";
import { createSelectedOwners } from "./selected-owners.ts";
import { gatherWorkloads } from "./owner-chain.ts";
import { addPod, podController } from "./pods-by-owner.ts";
import { workloadRecord } from "./workload-records.ts";
import type { RestartableObject } from "./rollout-record.ts";

/** A selection of the workloads to read. */
export interface WorkloadQuery {
  /** `undefined`: the whole cluster. */
  readonly namespace: string | undefined;
  /** A selector of the workloads' own labels; for a bare pod, of the pod's labels. */
  readonly labelSelector: string | undefined;
}

/**
 * Reads workloads with their pods. Yields the workloads of one namespace at a time, sorted. A list
 * that cannot be read becomes a gap.
 */
export async function* readWorkloads(
  api: Api,
  { namespace, labelSelector }: WorkloadQuery,
  gaps: Gaps,
): AsyncGenerator<readonly Workload[], undefined> {
  const isNarrowed = labelSelector !== undefined;
  const owners = createOnDemandOwners(api, namespace, gaps, isNarrowed);
  const selected = isNarrowed
    ? createSelectedOwners(api, namespace, labelSelector, gaps)
    : undefined;
  // Pods and ReplicaSets do not have the labels of their workload, so all of them are read.
  const lists = [
    ...BUILT_IN_KINDS.map((kind) =>
      readBatches(api, workloadList(kind, namespace, labelSelector), gaps),
    ),
    readBatches(api, replicaSetList(namespace), gaps),
    readBatches(api, podList(namespace), gaps),
  ];
  for await (const batch of mergeByNamespace(lists)) {
    const workloads = await workloadsOf(batch, owners, unreadIn(namespace, gaps));
    // A pod whose workload is not listed belongs to a workload that the selector does not match.
    yield selected === undefined ? workloads : await selected.select(workloads.filter(isListed));
  }
  return undefined;
}

function isListed({ kind, rollout }: Workload): boolean {
  return !isRestartable(kind) || rollout !== undefined;
}

/**
 * Reads the pods of one workload.
 *
 * @param labelSelector a selector of its pods and their ReplicaSets.
 * @returns the workload with its pods; `undefined` if its pods or ReplicaSets could not be read.
 */
export async function readPodsOf(
  api: Api,
  workload: Workload,
  labelSelector: string,
  gaps: Gaps,
): Promise<Workload | undefined> {
  const { namespace, uid } = workload;
  const lists = [
    readBatches(api, replicaSetList(namespace, labelSelector), gaps),
    readBatches(api, podList(namespace, labelSelector), gaps),
  ];
  const { value = newBatch(namespace) } = await mergeByNamespace(lists).next();
  const batch = { ...value, workloads: [workload] };
  const owners = createOnDemandOwners(api, namespace, gaps, false);
  const workloads = await workloadsOf(batch, owners, unreadIn(namespace, gaps));
  return workloads.find((found) => found.uid === uid);
}

/** Lists that could not be read to their end. */
interface UnreadLists {
  readonly pods: boolean;
  readonly replicaSets: boolean;
}

function unreadIn(namespace: string | undefined, gaps: Gaps): UnreadLists {
  return {
    pods: gaps.isUnread({ verb: "list", resource: PODS, namespace }),
    replicaSets: gaps.isUnread({ verb: "list", resource: REPLICA_SETS, namespace }),
  };
}

/**
 * Assigns pods to the workloads at the end of their owner chains. Leaves out each workload whose
 * pods are unknown because a list is unread: without the ReplicaSets, for example, a Deployment
 * would seem to have no pods.
 */
async function workloadsOf(
  batch: NamespaceBatch,
  owners: OnDemandOwners,
  unread: UnreadLists,
): Promise<readonly Workload[]> {
  if (unread.pods) return [];
  const isKnown = (kind: string) => !unread.replicaSets || !REPLICA_SET_KINDS.has(kind);
  const jobs = await owners.jobControllers(batch);
  const rollouts = await owners.rollouts(batch);
  const { workloads, podsByOwner, controllers } = batch;
  return gatherWorkloads(
    [...workloads, ...rollouts].filter(({ kind }) => isKnown(kind)),
    [...podsByOwner.values()].filter(({ owner }) => isKnown(owner.kind)),
    (uid) => controllers.get(uid) ?? jobs.get(uid),
  );
}

/** ReplicaSets, and the kinds that own their pods through ReplicaSets. */
const REPLICA_SET_KINDS: ReadonlySet<string> = new Set(["Deployment", "Rollout", "ReplicaSet"]);

const PODS = "pods";
const REPLICA_SETS = "replicasets.apps";

const ITEMS: Readonly<Record<BuiltInKind, Type<RestartableObject>>> = {
  Deployment: DEPLOYMENT,
  StatefulSet: STATEFUL_SET,
  DaemonSet: DAEMON_SET,
};

function workloadList(
  kind: BuiltInKind,
  namespace: string | undefined,
  labelSelector: string | undefined,
): NamespacedList<RestartableObject> {
  const path = listPath(kind, namespace);
  return {
    resource: `${apiOf(kind).resource}.apps`,
    namespace,
    request: { path, kind: `${kind}List`, item: ITEMS[kind], labelSelector },
    add: ({ workloads }, object) => workloads.push(workloadRecord(kind, object)),
  };
}

/** Lists only the metadata of ReplicaSets: old ones can outnumber the pods. */
function replicaSetList(
  namespace: string | undefined,
  labelSelector?: string,
): NamespacedList<ApiOwned> {
  const path = `${groupPath("apps/v1", namespace)}/replicasets`;
  return {
    resource: REPLICA_SETS,
    namespace,
    request: { path, kind: "ReplicaSetList", item: OWNED, metadataOnly: true, labelSelector },
    add: ({ controllers }, replicaSet) => addController(controllers, replicaSet),
  };
}

/** Kinds whose pods create no other pods: remembering all their pods would take much memory. */
const PLAIN_OWNERS: ReadonlySet<string> = new Set([
  "ReplicaSet",
  "StatefulSet",
  "DaemonSet",
  "Node",
]);

/** True for a pod that may create pods itself, such as the driver of a Spark application. */
function mayCreatePods(pod: ApiPod): boolean {
  const { status } = pod;
  if (status?.phase === "Succeeded" || status?.phase === "Failed") return false;
  const controller = podController(pod);
  return controller !== undefined && !PLAIN_OWNERS.has(controller.kind);
}

function podList(namespace: string | undefined, labelSelector?: string): NamespacedList<ApiPod> {
  const path = `${groupPath("v1", namespace)}/pods`;
  return {
    resource: PODS,
    namespace,
    request: { path, kind: "PodList", item: POD, labelSelector },
    add: ({ podsByOwner, controllers }, pod) => {
      addPod(podsByOwner, pod);
      if (mayCreatePods(pod)) addController(controllers, pod);
    },
  };
}
