import type { KubeObject } from "./kinds.ts";
import type { Store } from "./store.ts";

/** Nodes are labels to choose by: pods need nothing else of them. */
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

/** A pod that the scheduler found no node for, in its words. */
export function unscheduledStatus(store: Store, { status }: KubeObject): KubeObject {
  const nodes = store.list("Node").length;
  const message = `0/${nodes} nodes are available: ${nodes} node(s) didn't match Pod's node affinity/selector.`;
  const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message };
  return { ...status, phase: "Pending", conditions: [condition] };
}
