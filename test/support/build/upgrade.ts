import type { Assessment } from "../../../src/mesh/assessment.ts";
import { assess } from "../../../src/mesh/assessment.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import { withNamespaceUses } from "../../../src/mesh/choices.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { type Upgrade, upgradeOf } from "../../../src/mesh/upgrade.ts";
import type { ControlPlane, Namespace, UsageSnapshot } from "../../../src/snapshot.ts";
import { controlPlane, type ControlPlaneOptions, type RevisionOptions } from "./control-plane.ts";
import { proxyImage } from "./pod-group.ts";

export const OLD: RevisionOptions = {
  name: "asm-1-27",
  values: { image: proxyImage("v1.27.9-6") },
};
export const NEW: RevisionOptions = {
  name: "asm-1-28",
  values: { image: proxyImage("v1.28.3-2") },
};
export const OLD_IMAGE = proxyImage("v1.27.9-6");
export const NEW_IMAGE = proxyImage("v1.28.3-2");

/** A cluster as `status` reads it. */
export interface UpgradeWorld extends Partial<Omit<UsageSnapshot, "controlPlane" | "namespaces">> {
  readonly plane?: ControlPlaneOptions;
  /** Changes the control plane after it was built. */
  readonly change?: (plane: ControlPlane) => ControlPlane;
  readonly places?: readonly Namespace[];
  /** The value of `--to`. */
  readonly to?: string;
}

/** Returns the upgrade in a cluster; by default, of both revisions without anything else. */
export function upgradeIn(world: UpgradeWorld): Upgrade {
  const { plane = { revisions: [OLD, NEW] }, change = (same) => same, places = [] } = world;
  const { to, workloads = [], gaps = [], gateways = [], templateOwners = [] } = world;
  const snapshot: UsageSnapshot = {
    controlPlane: change(controlPlane(plane)),
    namespaces: new Map(places.map((place) => [place.name, place])),
    workloads,
    gateways,
    templateOwners,
    gaps,
  };
  const mesh = withNamespaceUses(resolveMesh(snapshot.controlPlane), places, gaps);
  const options = { ...NO_CONSENT, excludes: () => undefined };
  const assessments: readonly Assessment[] = workloads.flatMap((workload) => {
    const namespace = snapshot.namespaces.get(workload.namespace);
    return assess(workload, namespace, mesh, options) ?? [];
  });
  return upgradeOf(snapshot, mesh, assessments, to);
}
