import type { Namespace, PodGroup, Workload } from "../snapshot.ts";
import { assess } from "./assessment.ts";
import { type Consent, NO_CONSENT } from "./consent.ts";
import { isRenderedGateway } from "./managed.ts";
import type { Mesh } from "./mesh.ts";
import { restartabilityOf } from "./restartability.ts";

/**
 * The ways in which references to a revision are removed, in the order in which the user takes them.
 * They are part of the published schema, and stable.
 */
export const RELEASES = [
  "relabelling",
  "restart",
  "restart-with-downtime",
  /** Their labels still lead to the revision, so a restart alone changes nothing. */
  "after-relabelling",
  "after-relabelling-with-downtime",
  "by-hand",
  "excluded",
  /** Istiod renders the pods from a Gateway, whose label decides their revision. */
  "relabel-gateway",
  "waiting",
] as const;

export type Release = (typeof RELEASES)[number];

/** The way in which pods of a workload stop using the revision that injected them. */
export interface PodRelease {
  readonly by: Release;
  /** The revision that a restart moves the pods to; `undefined` if a restart alone moves none. */
  readonly to: string | undefined;
}

/**
 * Decides how pods of a workload stop using the revision that injected them, by the verdict that a
 * check gives the workload.
 */
export function releaseOfPods(
  workload: Workload,
  { revision }: PodGroup,
  namespace: Namespace | undefined,
  mesh: Mesh,
): PodRelease {
  const by = (release: Release): PodRelease => ({ by: release, to: undefined });
  if (isRenderedGateway(workload)) return by("relabel-gateway");
  const assessed = (consent: Consent) =>
    assess(workload, namespace, mesh, { ...consent, excludes: () => undefined });
  const assessment = assessed(NO_CONSENT);
  const { verdict, target } = assessment ?? {};
  if (verdict === "excluded") return by("excluded");
  if (target === undefined) return by("by-hand");
  if (target.revision === revision) {
    const isRestartable = (consent: Consent) =>
      restartabilityOf(workload, workload.pods, consent).answer === "yes";
    if (isRestartable(NO_CONSENT)) return by("after-relabelling");
    return by(isRestartable(WITH_DOWNTIME) ? "after-relabelling-with-downtime" : "by-hand");
  }
  if (verdict !== "outdated") return by("by-hand");
  if (assessment?.restart.answer === "yes") return { by: "restart", to: target.revision };
  return assessed(WITH_DOWNTIME)?.restart.answer === "yes"
    ? { by: "restart-with-downtime", to: target.revision }
    : by("by-hand");
}

const WITH_DOWNTIME: Consent = { ...NO_CONSENT, downtime: true };
