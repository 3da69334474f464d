import type { IstiodRelease } from "../snapshot.ts";
import { type Age, oldestAge, UNKNOWN_AGE } from "./age.ts";
import type { Assessment } from "./assessment.ts";
import { compareVersions, parseImage } from "./image.ts";
import { defaultImage, type Mesh } from "./mesh.ts";
import type { InjectedPrediction } from "./prediction.ts";
import { isOutdated, type RunningPods } from "./running-pods.ts";

/**
 * Adds the time for which an outdated workload, and each group of its outdated pods, has been outdated.
 * All times are those of the API server.
 *
 * @param releases the ReplicaSets of the istiods; empty if they could not be read.
 */
export function withAges(
  assessment: Assessment,
  mesh: Mesh,
  releases: readonly IstiodRelease[],
): Assessment {
  if (assessment.verdict !== "outdated") return assessment;
  const running = assessment.running.map((group) =>
    isOutdated(group) ? { ...group, outdatedFor: ageOf(group, assessment, mesh, releases) } : group,
  );
  const ages = running.flatMap(({ outdatedFor }) => outdatedFor ?? []);
  return { ...assessment, running, outdatedFor: oldestAge(ages) };
}

/** The milliseconds by which the clocks of several API servers may differ. */
const CLOCK_DIFFERENCE = 60_000;

function ageOf(
  group: RunningPods,
  assessment: Assessment,
  mesh: Mesh,
  releases: readonly IstiodRelease[],
): Age {
  const [now, created] = [
    mesh.readAt?.getTime() ?? NaN,
    Date.parse(group.oldestPod?.createdAt ?? ""),
  ];
  if (Number.isNaN(now) || Number.isNaN(created)) return UNKNOWN_AGE;
  // A pod that is newer than such a time got its sidecar for another reason.
  const since = [
    supersededAt(group, assessment, mesh, releases),
    targetSetAt(group, assessment, mesh),
  ]
    .map((time) => Date.parse(time ?? ""))
    .find((time) => time >= created && time <= now + CLOCK_DIFFERENCE);
  const secondsSince = (time: number) => Math.max(0, Math.floor((now - time) / 1000));
  return {
    atLeast: since === undefined ? undefined : secondsSince(since),
    atMost: secondsSince(created),
  };
}

/**
 * Returns the time at which the revision of the pods first got a newer version than theirs: the creation
 * of the first ReplicaSet with a newer istiod. Later patches do not change it.
 *
 * @returns `undefined` if the image of istiod does not show the version of the sidecars that it injects.
 */
function supersededAt(
  { image = "", revision: name = "" }: RunningPods,
  assessment: Assessment,
  { revisions }: Mesh,
  releases: readonly IstiodRelease[],
): string | undefined {
  const revision = revisions.get(name);
  const given = revision && defaultImage(revision);
  const istiod = revision?.istiod;
  const isTelling =
    given !== undefined && istiod !== undefined && compareVersions(istiod.image, given) === 0;
  if (!isTelling || unpinnedPrediction(assessment) === undefined) return undefined;
  const own = releases.filter((release) => release.revision === name);
  // If istiod went back to the version of the pods, they were current again.
  const same = own.filter((release) => compareVersions(release.image, image) === 0);
  const back = Math.max(0, ...same.flatMap(({ rollouts }) => rollouts));
  return own
    .filter((release) => (compareVersions(release.image, image) ?? 0) > 0)
    .filter(({ rollouts: [first = Infinity] }) => first > back)
    .map(({ createdAt }) => createdAt)
    .sort()[0];
}

/**
 * Returns the time since which injection gives the target: the last change of the values of its revision.
 *
 * @returns `undefined` if anything else may have changed the target.
 */
function targetSetAt(
  { image = "", revision: running }: RunningPods,
  assessment: Assessment,
  { revisions }: Mesh,
): string | undefined {
  const { target } = assessment;
  const prediction = unpinnedPrediction(assessment);
  if (target === undefined || prediction === undefined) return undefined;
  // Pods of another revision lag behind since a label or a tag was moved. A policy, a ProxyConfig or an
  // annotation changes the registry, the digest or the type of an image, but not the version.
  const isByValues =
    [running, prediction.revision].every((name) => name === target.revision) &&
    plainTag(prediction.image) === plainTag(target.image) &&
    plainTag(image) !== plainTag(target.image);
  return isByValues ? revisions.get(target.revision)?.changedAt : undefined;
}

/** Returns the prediction if the revision alone decides the version of the sidecar. */
function unpinnedPrediction({ prediction }: Assessment): InjectedPrediction | undefined {
  return prediction.kind === "injected" && prediction.pin === undefined ? prediction : undefined;
}

/** The tag of an image without its type, such as `distroless`. */
function plainTag(image: string): string | undefined {
  return parseImage(image).tag?.replace(/-(?:distroless|debug)$/, "");
}
