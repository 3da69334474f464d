import { isRestartable } from "../kubernetes/kinds.ts";
import { byNamespaceAndName, type PodGroup, type Workload } from "../snapshot.ts";
import { addGroup } from "./pod-group.ts";
import type { Owner, PodsByOwner } from "./pods-by-owner.ts";

/** The controller of a ReplicaSet or a Job, by the uid of that. */
export type ControllerOf = (uid: string) => Owner | undefined;

/**
 * Puts tallies under the controllers at the end of the owner chain. The chain is followed by
 * `controller: true` references alone, never by names.
 *
 * @param listed the workloads that were listed, without pods.
 */
export function gatherWorkloads(
  listed: readonly Workload[],
  tallies: Iterable<PodsByOwner>,
  controllerBy: ControllerOf,
): readonly Workload[] {
  const workloads = new Map(listed.map((workload) => [workload.uid, workload]));
  for (const tally of tallies) {
    const owner = controllerBy(tally.owner.uid) ?? tally.owner;
    workloads.set(owner.uid, withPods(workloads.get(owner.uid) ?? unlisted(owner, tally), tally));
  }
  return [...workloads.values()].sort(byNamespaceAndName);
}

function unlisted(owner: Owner, { namespace, sample, metadata }: PodsByOwner): Workload {
  return {
    namespace,
    kind: owner.kind,
    name: owner.name,
    uid: owner.uid,
    ...metadata,
    // Of a restartable kind the template itself is asked for, not what one pod shows of it.
    template: isRestartable(owner.kind) ? undefined : sample,
    rollout: undefined,
    pods: [],
    terminating: 0,
    terminatingPods: [],
  };
}

function withPods(
  workload: Workload,
  { groups, terminating, terminatingGroups }: PodsByOwner,
): Workload {
  return {
    ...workload,
    pods: joined(workload.pods, groups),
    terminating: workload.terminating + terminating,
    terminatingPods: joined(workload.terminatingPods, terminatingGroups),
  };
}

/** Several ReplicaSets of one Deployment may run the same sidecar. */
function joined(known: readonly PodGroup[], more: readonly PodGroup[]): readonly PodGroup[] {
  if (known.length === 0) return more;
  const all = [...known];
  for (const group of more) addGroup(all, group);
  return all;
}
