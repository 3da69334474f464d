import { apiOf, BUILT_IN_KINDS, type BuiltInKind, isRestartable } from "../kubernetes/kinds.ts";
import type { Workload } from "../snapshot.ts";
import type { Api } from "../http/api.ts";
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
import { type Lane, readLane } from "./lane.ts";
import { gatherWorkloads } from "./owner-chain.ts";
import { addController, newBatch, type NamespaceBatch } from "./namespace-batch.ts";
import { listPath, pathOf } from "../kubernetes/api-paths.ts";
import type { Type } from "../http/protobuf/protobuf.ts";
import { createOnDemandOwners, type OnDemandOwners } from "./on-demand-owners.ts";
import { workloadRecord } from "./records.ts";
import type { RestartableObject } from "./rollout-record.ts";
import { openSweep } from "./sweep.ts";
import { addPod } from "./pods-by-owner.ts";

/** Where workloads are read, and which. */
export interface Place {
  /** `undefined`: the whole cluster. */
  readonly namespace: string | undefined;
  /** Of the workloads' own labels; a bare pod's, too. */
  readonly labelSelector: string | undefined;
}

/**
 * Reads workloads with their pods, namespace by namespace, so that of a large cluster only one is
 * kept at a time. What cannot be read becomes a gap.
 *
 * @param visit gets the workloads of a namespace, sorted; namespaces come in the order of keys.
 */
export async function readWorkloads(
  api: Api,
  { namespace: place, labelSelector }: Place,
  gaps: Gaps,
  visit: (workloads: readonly Workload[]) => Promise<void>,
): Promise<void> {
  const isNarrowed = labelSelector !== undefined;
  const rare = createOnDemandOwners(api, place, gaps, isNarrowed);
  const unread: Unread = { pods: false, replicaSets: false };
  let part = newBatch();
  const lists = BUILT_IN_KINDS.length + 2;
  const sweep = openSweep(lists, async (namespace) => {
    const complete = part;
    part = newBatch();
    const workloads = await assemble(namespace, complete, rare, unread);
    // Pods do not say what labels their workload has, so that all of them are read: whose workload
    // the server did not list was not selected.
    const isSelected = ({ kind, rollout }: Workload) =>
      !isRestartable(kind) || rollout !== undefined;
    await visit(isNarrowed ? workloads.filter(isSelected) : workloads);
  });
  const read = <Item extends ApiOwned>(lane: Lane<Item>) => readLane(api, lane, gaps, sweep);
  const current = () => part;
  await Promise.all([
    ...BUILT_IN_KINDS.map((kind) => read(workloadLane(kind, place, labelSelector, current))),
    read(replicaSetLane(place, undefined, unread, current)),
    read(podLane(place, undefined, unread, current)),
  ]);
}

/** Lists that could not be read to their end. */
interface Unread {
  pods: boolean;
  replicaSets: boolean;
}

/**
 * A workload that was read by itself, with its pods.
 *
 * @param labelSelector of its pods and their ReplicaSets.
 * @returns `undefined` where its pods, or whose they are, could not be read.
 */
export async function readPodsOf(
  api: Api,
  workload: Workload,
  labelSelector: string,
  gaps: Gaps,
): Promise<Workload | undefined> {
  const { namespace, uid } = workload;
  const part = newBatch([workload]);
  const unread: Unread = { pods: false, replicaSets: false };
  const sweep = openSweep(2, () => Promise.resolve());
  const read = <Item extends ApiOwned>(lane: Lane<Item>) => readLane(api, lane, gaps, sweep);
  await Promise.all([
    read(replicaSetLane(namespace, labelSelector, unread, () => part)),
    read(podLane(namespace, labelSelector, unread, () => part)),
  ]);
  const rare = createOnDemandOwners(api, namespace, gaps, false);
  const all = await assemble(namespace, part, rare, unread);
  return all.find((found) => found.uid === uid);
}

/**
 * Puts pods under the workloads at the end of their owner chains. What cannot be told for want of a
 * list is left out: a Deployment whose ReplicaSets were not read would seem to have no pods. The gap
 * says so.
 */
async function assemble(
  namespace: string,
  part: NamespaceBatch,
  rare: OnDemandOwners,
  unread: Unread,
): Promise<readonly Workload[]> {
  // Without its pods nothing can be said of a workload.
  if (unread.pods) return [];
  const isTold = (kind: string) => !unread.replicaSets || !OF_REPLICA_SETS.has(kind);
  const jobs = await rare.jobs(part);
  const rollouts = await rare.rollouts(namespace, part);
  const { workloads, podsByOwner: tallies, controllers } = part;
  return gatherWorkloads(
    [...workloads, ...rollouts].filter(({ kind }) => isTold(kind)),
    [...tallies.values()].filter(({ owner }) => isTold(owner.kind)),
    (uid) => controllers.get(uid) ?? jobs.get(uid),
  );
}

/** Kinds whose pods are known by their ReplicaSets, and those themselves. */
const OF_REPLICA_SETS: ReadonlySet<string> = new Set(["Deployment", "Rollout", "ReplicaSet"]);

const ITEMS: Readonly<Record<BuiltInKind, Type<RestartableObject>>> = {
  Deployment: DEPLOYMENT,
  StatefulSet: STATEFUL_SET,
  DaemonSet: DAEMON_SET,
};

function workloadLane(
  kind: BuiltInKind,
  place: string | undefined,
  labelSelector: string | undefined,
  part: () => NamespaceBatch,
): Lane<RestartableObject> {
  return {
    what: `list ${apiOf(kind).resource}.apps`,
    place,
    list: { path: listPath(kind, place), kind: `${kind}List`, item: ITEMS[kind], labelSelector },
    fold: (object) => part().workloads.push(workloadRecord(kind, object)),
  };
}

/** Of ReplicaSets only the metadata: old ones can outnumber the pods. */
function replicaSetLane(
  place: string | undefined,
  labelSelector: string | undefined,
  unread: Unread,
  part: () => NamespaceBatch,
): Lane<ApiOwned> {
  const path = `${pathOf("apps/v1", place)}/replicasets`;
  return {
    what: "list replicasets.apps",
    place,
    list: { path, kind: "ReplicaSetList", item: OWNED, metadataOnly: true, labelSelector },
    fold: (object) => addController(part().controllers, object),
    failed: () => (unread.replicaSets = true),
  };
}

function podLane(
  place: string | undefined,
  labelSelector: string | undefined,
  unread: Unread,
  part: () => NamespaceBatch,
): Lane<ApiPod> {
  return {
    what: "list pods",
    place,
    list: { path: `${pathOf("v1", place)}/pods`, kind: "PodList", item: POD, labelSelector },
    fold: (pod) => addPod(part().podsByOwner, pod),
    failed: () => (unread.pods = true),
  };
}
