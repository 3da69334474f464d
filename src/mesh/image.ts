import { parse, type SemVer } from "semver";

/**
 * The change that a restart brings to a running sidecar. `revision`: only the revision differs.
 * `patch`, `minor`: the target is newer. `downgrade`: the target is older. `other`: any other
 * difference.
 */
export type Change = "none" | "revision" | "patch" | "minor" | "other" | "downgrade";

/** The changes in ascending order of importance to the user. */
const BY_SIZE: readonly Change[] = ["none", "revision", "patch", "minor", "other", "downgrade"];

export function largestChange(changes: readonly Change[]): Change {
  return changes.reduce<Change>(
    (largest, change) => (BY_SIZE.indexOf(change) > BY_SIZE.indexOf(largest) ? change : largest),
    "none",
  );
}

export interface ImageReference {
  /** The registry and the path, for example `registry:5000/istio/proxyv2`. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** For example `sha256:...`. */
  readonly digest: string | undefined;
}

/** Parses an image reference. A colon before a slash belongs to the registry's port. */
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

/** The first part of an image reference, for example `registry:5000`. */
export function registryOf(reference: string): string {
  return parseImage(reference).repository.split("/", 1)[0] ?? "";
}

/**
 * Describes the difference between a running image and the target image. The images are equal only
 * if their references are; versions only describe the difference. Plain semver order is wrong for
 * the tags of Istio and Azure: `-2` is a build number, `-hotfix.20240626` is later than the
 * release, and `-distroless` is a variant.
 *
 * @returns `patch` or `minor` if the target is newer, `downgrade` if it is older, and `other` if
 *   a version is unreadable, or if the images differ in name or in something other than the version.
 */
export function compareImages(running: string, target: string): Change {
  if (running === target) return "none";
  const [from, to] = [parseImage(running), parseImage(target)];
  const [a, b] = [versionOf(from.tag), versionOf(to.tag)];
  if (baseName(from) !== baseName(to) || a === undefined || b === undefined) return "other";
  const order = orderOf(a, b);
  if (order > 0) return "downgrade";
  if (order === 0) return "other";
  return a.core.major === b.core.major && a.core.minor === b.core.minor ? "patch" : "minor";
}

/** True if two images have readable versions, and different ones. */
export function haveOtherVersions(one: string, other: string): boolean {
  return (compareVersions(one, other) ?? 0) !== 0;
}

/**
 * Compares the versions in the tags of two images.
 *
 * @returns a negative number if the first one is older; `undefined` if a version is unreadable.
 */
export function compareVersions(one: string, other: string): number | undefined {
  const [a, b] = [versionOf(parseImage(one).tag), versionOf(parseImage(other).tag)];
  return a && b && orderOf(a, b);
}

/** True if two images have the same tag, regardless of registry, path and digest. */
export function haveSameTag(one: string, other: string): boolean {
  const { tag } = parseImage(one);
  return tag !== undefined && tag === parseImage(other).tag;
}

/** The version of an image's tag as `[major, minor]`; `undefined` if the tag has no version. */
export function minorVersion(image: string): readonly [number, number] | undefined {
  const core = versionOf(parseImage(image).tag)?.core;
  return core && [core.major, core.minor];
}

function baseName({ repository }: ImageReference): string {
  return repository.slice(repository.lastIndexOf("/") + 1);
}

function orderOf(a: Version, b: Version): number {
  return a.core.compare(b.core) || a.build - b.build;
}

interface Version {
  readonly core: SemVer;
  readonly build: number;
}

/** Parses a tag: `v1.27.9-6` is build 6 of 1.27.9, `1.22.1-hotfix.20240626` build 20240626 of 1.22.1. */
function versionOf(tag: string | undefined): Version | undefined {
  const core = parse(tag?.split("-", 1)[0]);
  const build = Number(/-(?:hotfix\.)?(\d+)(?:-|$)/.exec(tag ?? "")?.[1] ?? 0);
  return core === null || !Number.isSafeInteger(build) ? undefined : { core, build };
}
