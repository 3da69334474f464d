import type { KubeObject } from "./kinds.ts";
import type { Store } from "./store.ts";

/** Returns nodes that have only labels: pods need no other fields of a node. */
export function nodeObjects(count: number): readonly KubeObject[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `node-${index}`;
    return { kind: "Node", metadata: { name, labels: { "kubernetes.io/hostname": name } } };
  });
}

export function hasNode(store: Store, { spec }: KubeObject): boolean {
  const wanted = Object.entries(spec.nodeSelector ?? {});
  return (
    wanted.length === 0 ||
    store
      .list("Node")
      .some(({ metadata }) => wanted.every(([key, value]) => metadata.labels[key] === value))
  );
}

/** Returns the scheduler's status of a pod that fits no node. */
export function unscheduledStatus(store: Store, { status }: KubeObject): KubeObject {
  const nodes = store.list("Node").length;
  const message = `0/${nodes} nodes are available: ${nodes} node(s) didn't match Pod's node affinity/selector.`;
  const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message };
  return { ...status, phase: "Pending", conditions: [condition] };
}
