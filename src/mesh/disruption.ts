import { matchesSelector } from "../kubernetes/selector.ts";
import type { Budget, Labels } from "../snapshot.ts";

/** The reason why the API server rejects the eviction of pods. */
export interface EvictionBlock {
  /** The PodDisruptionBudget; the first one, if there are several. */
  readonly budget: string;
  readonly message: string;
}

/**
 * Explains why the API server rejects the eviction of pods; `undefined` if it allows one. It rejects
 * every eviction of a pod that several budgets select.
 * Source: k8s.io/kubernetes `pkg/registry/core/pod/storage/eviction.go`.
 */
export function evictionBlock(
  labels: Labels,
  budgets: readonly Budget[],
): EvictionBlock | undefined {
  const own = budgets.filter(({ selector }) => matchesSelector(labels, selector));
  const [first, second] = own;
  if (first === undefined) return undefined;
  const { name: budget, allowed } = first;
  if (second !== undefined) {
    const message = `the PodDisruptionBudgets ${budget} and ${second.name} select the same pods, which allows no eviction`;
    return { budget, message };
  }
  return allowed > 0
    ? undefined
    : { budget, message: `the PodDisruptionBudget ${budget} allows no eviction` };
}
