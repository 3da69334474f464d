import type { Labels } from "../snapshot.ts";

/** Time of the last restart, as `kubectl rollout restart` writes it into the pod template. */
export const RESTARTED_AT = "kubectl.kubernetes.io/restartedAt";

const OTHERS: ReadonlySet<string> = new Set([RESTARTED_AT, "argocd.argoproj.io/tracking-id"]);

/**
 * Whether anything is decided by an annotation: Istio's and our own, and few others. Every object
 * of a large cluster has some that are not, up to copies of the whole object.
 */
export function isTelling(key: string): boolean {
  return key.includes("istio") || OTHERS.has(key);
}

/** Those that something is decided by. */
export function tellingOf(annotations: Labels = {}): Labels {
  return Object.fromEntries(Object.entries(annotations).filter(([key]) => isTelling(key)));
}
