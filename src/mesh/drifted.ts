import { isIstioKey } from "../istio-labels.ts";
import type { Consent } from "./consent.ts";
import type { Drift, DriftKind } from "./drift.ts";

const OF_SIDECAR: ReadonlySet<DriftKind> = new Set([
  "proxy-image",
  "proxy-config",
  "proxy-resources",
  "interception",
]);

/** True if a restart would give the sidecar another configuration, other resources or another mode. */
function isDrifted(drift: readonly Drift[] | undefined): boolean {
  return drift?.some(({ what }) => OF_SIDECAR.has(what)) === true;
}

/** True if the user wants workloads on target to be restarted, or this one because it has drifted. */
export function isWantedOnTarget(
  drift: readonly Drift[] | undefined,
  { current, drifted }: Pick<Consent, "current" | "drifted">,
): boolean {
  return current || (drifted && isDrifted(drift));
}

/** Returns the changes of a restart that concern more than the sidecar. */
export function beyondSidecar(drift: readonly Drift[]): readonly Drift[] {
  return drift.filter(({ what, path }) => !OF_SIDECAR.has(what) && !isOfIstio(path));
}

/** True for the path of a label or an annotation of Istio. */
function isOfIstio(path: string): boolean {
  const [, key = ""] = /^metadata\.(?:labels|annotations)\[([^\]]+)\]/.exec(path) ?? [];
  return isIstioKey(key);
}
