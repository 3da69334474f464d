import { isRestartable } from "../kubernetes/kinds.ts";
import { byNamespaceAndName, leavesImageOpen, type PodGroup, type Workload } from "../snapshot.ts";
import { addGroup } from "./pod-group.ts";
import type { Owner, PodsByOwner } from "./pods-by-owner.ts";

/** Finds the controller of a ReplicaSet, a Job or a pod by its uid. */
export type FindController = (uid: string) => Owner | undefined;

/**
 * Assigns pods to the controllers at the end of their owner chains. A chain consists of references
 * with `controller: true`, never of names.
 *
 * @param listed the workloads that were listed, without pods.
 */
export function gatherWorkloads(
  listed: readonly Workload[],
  podsByOwner: Iterable<PodsByOwner>,
  findController: FindController,
): readonly Workload[] {
  const workloads = new Map(listed.map((workload) => [workload.uid, workload]));
  for (const pods of podsByOwner) {
    const owner = endOfChain(pods.owner, findController);
    workloads.set(owner.uid, withPods(workloads.get(owner.uid) ?? unlisted(owner, pods), pods));
  }
  return [...workloads.values()].sort(byNamespaceAndName);
}

/** No chain is longer: a pod that a pod created, whose Job belongs to a CronJob, has three owners. */
export const MOST_OWNERS = 5;

/** Owner references may form a circle, since nobody checks them. */
function endOfChain(first: Owner, findController: FindController): Owner {
  let owner = first;
  for (let step = 0; step < MOST_OWNERS; step++) {
    const next = findController(owner.uid);
    if (next === undefined) return owner;
    owner = next;
  }
  return owner;
}

/** Returns the workload for an owner that is not in a list. */
function unlisted(owner: Owner, { namespace, sample, metadata }: PodsByOwner): Workload {
  return {
    namespace,
    apiVersion: owner.apiVersion,
    kind: owner.kind,
    name: owner.name,
    uid: owner.uid,
    ...metadata,
    // A restartable kind has a template of its own, which may differ from the pod's.
    template: isRestartable(owner.kind) ? undefined : sample,
    rollout: undefined,
    pods: [],
    terminating: 0,
    terminatingPods: [],
  };
}

function withPods(
  workload: Workload,
  { groups, terminating, terminatingGroups, unmarked, terminatingUnmarked }: PodsByOwner,
): Workload {
  const resolve = (group: PodGroup) => (hasOwnProxy(workload) ? withoutSidecar(group) : group);
  return {
    ...workload,
    pods: joined(joined(workload.pods, groups), unmarked.map(resolve)),
    terminating: workload.terminating + terminating,
    terminatingPods: joined(
      joined(workload.terminatingPods, terminatingGroups),
      terminatingUnmarked.map(resolve),
    ),
  };
}

/**
 * True if the template itself has a container `istio-proxy` with an image: unless injection marked a
 * pod, this container is not a sidecar of the mesh.
 */
function hasOwnProxy({ template }: Workload): boolean {
  return template?.proxy !== undefined && !leavesImageOpen(template.proxy);
}

function withoutSidecar(group: PodGroup): PodGroup {
  return { ...group, image: undefined, native: false };
}

/** Joins groups: several ReplicaSets of one Deployment may run the same sidecar. */
function joined(before: readonly PodGroup[], more: readonly PodGroup[]): readonly PodGroup[] {
  if (before.length === 0) return more;
  if (more.length === 0) return before;
  const groups = [...before];
  for (const group of more) addGroup(groups, group);
  return groups;
}
