import { compareImages } from "./image.ts";
import type { Target } from "./running-pods.ts";

/** The sidecar of a group of pods, as a snapshot, a plan or a report describes it. */
interface Sidecar {
  readonly image?: string | null | undefined;
  readonly revision?: string | null | undefined;
}

/**
 * True if a restart moves pods to another revision. Pods that do not name their revision move if the
 * target is of another minor version, or older.
 */
export function isMoved({ image, revision }: Sidecar, target: Target): boolean {
  if (image === undefined || image === null) return false;
  if (revision !== undefined && revision !== null) return revision !== target.revision;
  const change = compareImages(image, target.image);
  return change === "minor" || change === "downgrade";
}

/** Returns the revision to which a restart moves some of the pods; empty if it moves none. */
export function movedTo(
  sidecars: readonly Sidecar[],
  target: Target | null | undefined,
): readonly string[] {
  return target && sidecars.some((sidecar) => isMoved(sidecar, target)) ? [target.revision] : [];
}

/** Returns the flag that consents to a restart which moves some of the pods to another revision. */
export function moveFlags(
  sidecars: readonly Sidecar[],
  target: Target | null | undefined,
): readonly string[] {
  return allowRevisions(movedTo(sidecars, target));
}

/** Returns the flag that consents to moves to some revisions. */
export function allowRevisions(revisions: readonly string[]): readonly string[] {
  const names = [...new Set(revisions)].sort();
  return names.length > 0 ? ["--allow-revision", names.join(",")] : [];
}
