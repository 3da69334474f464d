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

/**
 * Returns the annotations that some decision depends on.
 *
 * @param asked the keys of annotations that the user wants to see as well.
 */
export function relevantAnnotations(
  annotations: Labels = {},
  asked: readonly string[] = [],
): Labels {
  return Object.fromEntries(
    Object.entries(annotations).filter(([key]) => isRelevant(key) || asked.includes(key)),
  );
}
