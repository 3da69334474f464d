import { isRestartable } from "../kubernetes/kinds.ts";
import { byNamespaceAndName, leavesImageOpen, type PodGroup, type Workload } from "../snapshot.ts";
import { addGroup } from "./pod-group.ts";
import type { Owner, PodsByOwner } from "./pods-by-owner.ts";

/** Finds the controller of a ReplicaSet or Job by the uid of the ReplicaSet or Job. */
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
    const owner = findController(pods.owner.uid) ?? pods.owner;
    workloads.set(owner.uid, withPods(workloads.get(owner.uid) ?? unlisted(owner, pods), pods));
  }
  return [...workloads.values()].sort(byNamespaceAndName);
}

/** Returns the workload for an owner that is not in a list. */
function unlisted(owner: Owner, { namespace, sample, metadata }: PodsByOwner): Workload {
  return {
    namespace,
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
