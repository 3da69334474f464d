import { type Labels, RESTARTED_AT } from "../snapshot.ts";

const OTHERS: ReadonlySet<string> = new Set([RESTARTED_AT, "argocd.argoproj.io/tracking-id"]);

/**
 * Whether anything is decided by an annotation: Istio's and our own, and few others. Every object
 * of a large cluster has some that are not, up to copies of the whole object.
 */
export function isRelevant(key: string): boolean {
  return key.includes("istio") || OTHERS.has(key);
}

/** Those that something is decided by. */
export function relevantAnnotations(annotations: Labels = {}): Labels {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => isRelevant(key)));
}
