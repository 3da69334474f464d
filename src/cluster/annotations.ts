import { type Labels, RESTARTED_AT } from "../snapshot.ts";

const RELEVANT_KEYS: ReadonlySet<string> = new Set([
  RESTARTED_AT,
  "argocd.argoproj.io/tracking-id",
]);

/**
 * True for an annotation that some decision depends on. The others are not kept, since they can be
 * as large as a copy of the whole object.
 */
export function isRelevant(key: string): boolean {
  return key.includes("istio") || RELEVANT_KEYS.has(key);
}

/** Returns the annotations that some decision depends on. */
export function relevantAnnotations(annotations: Labels = {}): Labels {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => isRelevant(key)));
}
