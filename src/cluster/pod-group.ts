import type { PodGroup } from "../snapshot.ts";

const MOST_NAMES = 10;

/** Adds a group to those it belongs with: pods that run the same sidecar of the same revision. */
export function addGroup(groups: PodGroup[], group: PodGroup): void {
  const index = groups.findIndex(
    ({ image, revision, native }) =>
      image === group.image && revision === group.revision && native === group.native,
  );
  const other = groups[index];
  if (other === undefined) groups.push(group);
  else groups[index] = merged(other, group);
}

function merged(a: PodGroup, b: PodGroup): PodGroup {
  return {
    ...a,
    pods: a.pods + b.pods,
    ready: a.ready + b.ready,
    podNames:
      a.podNames.length < MOST_NAMES
        ? [...a.podNames, ...b.podNames].sort().slice(0, MOST_NAMES)
        : a.podNames,
    trouble: a.trouble ?? b.trouble,
  };
}
