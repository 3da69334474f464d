import { matchesSelector } from "../../../src/kubernetes/selector.ts";
import type { KubeObject } from "./kinds.ts";
import type { Store } from "./store.ts";

/** Returns nodes that have only labels: pods need no other fields of a node. */
export function nodeObjects(count: number): readonly KubeObject[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `node-${index}`;
    return { kind: "Node", metadata: { name, labels: { "kubernetes.io/hostname": name } } };
  });
}

/** The node of a pod that is not bound, because its node does not matter. */
export const ANY_NODE = "";

/**
 * Finds the node for a pod; `undefined` if it fits none. Of affinities, only a required anti-affinity
 * by the name of the node is known.
 */
export function nodeFor(store: Store, { metadata, spec }: KubeObject): string | undefined {
  if (spec.nodeName !== undefined) return spec.nodeName;
  const wanted = Object.entries(spec.nodeSelector ?? {});
  const fitting = store
    .list("Node")
    .filter(({ metadata: node }) => wanted.every(([key, value]) => node.labels[key] === value));
  const terms: readonly KubeObject[] =
    spec.affinity?.podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
  if (terms.length === 0) return wanted.length === 0 || fitting.length > 0 ? ANY_NODE : undefined;
  const isOther = ({ metadata: other }: KubeObject) =>
    other.namespace === metadata.namespace &&
    terms.some((term) => matchesSelector(other.labels ?? {}, term["labelSelector"]));
  const others = store.list("Pod").filter(isOther);
  const taken = new Set(others.map((pod) => pod.spec.nodeName));
  return fitting.map((node) => node.metadata.name).find((name) => !taken.has(name));
}

/** Returns the scheduler's status of a pod that fits no node. */
export function unscheduledStatus(store: Store, { spec, status }: KubeObject): KubeObject {
  const nodes = store.list("Node").length;
  const why =
    spec.affinity?.podAntiAffinity === undefined
      ? "didn't match Pod's node affinity/selector"
      : "didn't match pod anti-affinity rules";
  const message = `0/${nodes} nodes are available: ${nodes} node(s) ${why}.`;
  const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message };
  return { ...status, phase: "Pending", conditions: [condition] };
}
