import { matchesSelector } from "../kubernetes/selector.ts";
import type { Labels, Namespace } from "../snapshot.ts";
import type { Mesh } from "./mesh.ts";

/**
 * True if a webhook other than Istio's may be called when a pod is created. Its output may be random, so
 * that two pods of one template differ.
 *
 * @param labels the labels of the pod, before and after injection: another webhook may add labels.
 */
export function mayCallOthers(
  { otherWebhooks }: Pick<Mesh, "otherWebhooks">,
  namespace: Namespace | undefined,
  labels: readonly Labels[],
): boolean {
  if (otherWebhooks === undefined || namespace === undefined) return true;
  return otherWebhooks.some(
    ({ namespaceSelector, objectSelector }) =>
      matchesSelector(namespace.labels, namespaceSelector) &&
      labels.some((each) => matchesSelector(each, objectSelector)),
  );
}
