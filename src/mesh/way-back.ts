import type { PodGroup, Rollout } from "../snapshot.ts";
import type { Consent } from "./consent.ts";
import { refusedCreation } from "./health.ts";
import { compareVersions } from "./image.ts";
import { compareRevisions } from "./revision-order.ts";
import type { Target } from "./running-pods.ts";

type Sidecar = Pick<PodGroup, "image" | "revision">;

/**
 * True if a restart takes pods back: some are of another revision than the target, and each of these is
 * newer. The versions of the images decide; if they are the same or unreadable, the names of the revisions.
 */
export function goesBack(running: readonly Sidecar[], target: Target): boolean {
  const left = running.filter(
    ({ image, revision }) =>
      image !== undefined && revision !== undefined && revision !== target.revision,
  );
  return left.length > 0 && left.every((group) => isNewer(group, target));
}

function isNewer({ image = "", revision = "" }: Sidecar, target: Target): boolean {
  const order = compareVersions(image, target.image) ?? 0;
  return (order === 0 ? compareRevisions(revision, target.revision) : order) > 0;
}

/**
 * True if an injector rejected the new pods of a rollout. If new pods would be injected now, that was the
 * injector of another revision, and a restart creates them sooner than the next attempt of the controller.
 */
export function isRejectedByInjector(rollout: Rollout | undefined): boolean {
  return refusedCreation(rollout)?.includes("sidecar-injector.istio.io") === true;
}

/**
 * Returns the consent to restart one workload. On the way back, what fails is replaced, and a workload
 * without a ready pod has no downtime to fear.
 */
export function consentToGoBack(
  { back, unhealthy, downtime }: Pick<Consent, "back" | "unhealthy" | "downtime">,
  running: readonly (Sidecar & Pick<PodGroup, "ready">)[],
  target: Target | undefined,
): Pick<Consent, "unhealthy" | "downtime"> {
  if (!back || target === undefined || !goesBack(running, target)) return { unhealthy, downtime };
  const isDown = running.every(({ ready }) => ready === 0);
  return { unhealthy: true, downtime: downtime || isDown };
}
