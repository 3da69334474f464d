import { parse } from "semver";

/** How one image differs from another, as far as versions can tell; see `compareImages`. */
export type Change = "none" | "revision" | "patch" | "minor" | "ahead" | "other";

/** From the least to the largest. */
const ORDER: readonly Change[] = ["none", "revision", "patch", "minor", "ahead", "other"];

export function largestChange(changes: readonly Change[]): Change {
  return changes.reduce<Change>(
    (largest, change) => (ORDER.indexOf(change) > ORDER.indexOf(largest) ? change : largest),
    "none",
  );
}

export interface ImageReference {
  /** Registry and path: `registry:5000/istio/proxyv2`. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:...` */
  readonly digest: string | undefined;
}

/** Splits a reference. A colon before a slash belongs to the registry's port, not to a tag. */
export function parseImage(reference: string): ImageReference {
  const [name = "", digest] = reference.split("@", 2);
  const colon = name.lastIndexOf(":");
  const tagged = colon > name.lastIndexOf("/");
  return {
    repository: tagged ? name.slice(0, colon) : name,
    tag: tagged ? name.slice(colon + 1) : undefined,
    digest,
  };
}

/**
 * Describes the way from a running image to the target. It never decides: lag is "not the same
 * reference". Plain semver order is wrong for tags of Istio and Azure, where `-2` counts builds,
 * `-hotfix.20240626` comes after the release, and `-distroless` names a variant.
 *
 * @returns `patch` or `minor` when the target is newer, `ahead` when the running image is,
 *   `other` when versions cannot be read or the images are of another kind.
 */
export function compareImages(running: string, target: string): Change {
  if (running === target) return "none";
  const [from, to] = [parseImage(running), parseImage(target)];
  const [a, b] = [versionOf(from.tag), versionOf(to.tag)];
  if (baseName(from) !== baseName(to) || a === undefined || b === undefined) return "other";
  const order = a.core.compare(b.core) || a.build - b.build;
  if (order > 0) return "ahead";
  if (order === 0) return "other";
  return a.core.major === b.core.major && a.core.minor === b.core.minor ? "patch" : "minor";
}

/** `[major, minor]` of an image's tag, or `undefined` where it has no version. */
export function minorVersion(image: string): readonly [number, number] | undefined {
  const core = versionOf(parseImage(image).tag)?.core;
  return core && [core.major, core.minor];
}

function baseName({ repository }: ImageReference): string {
  return repository.slice(repository.lastIndexOf("/") + 1);
}

/** `v1.27.9-6` is build 6 of 1.27.9; `1.22.1-hotfix.20240626` build 20240626 of 1.22.1. */
function versionOf(tag: string | undefined) {
  const core = parse(tag?.split("-", 1)[0]);
  const build = Number(/-(?:hotfix\.)?(\d+)(?:-|$)/.exec(tag ?? "")?.[1] ?? 0);
  return core === null || !Number.isSafeInteger(build) ? undefined : { core, build };
}
