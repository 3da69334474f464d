import { gatewayName, isRenderedGateway } from "./managed.ts";
import type { LabelReference } from "./references.ts";
import { SHARED_CONFIG_MAP } from "./mesh.ts";
import { compareRevisions } from "./revision-order.ts";
import { isBegun, isReady, isUsed, livePods, type Upgrade } from "./upgrade.ts";

/** The phases of an upgrade. They are part of the published schema, and stable. */
export const PHASES = [
  /** Pods, or labels that pods depend on, belong to a revision that is gone. It outranks all others. */
  "stranded",
  /** `--to` names a revision that is not installed. */
  "planning",
  /** The control plane of the revision is not ready, or its webhook does not answer yet. */
  "starting",
  /** Both control planes are installed, and nothing was moved. */
  "ready",
  /** Labels, tags or pods belong to both revisions. */
  "moving",
  /** Nothing uses the revision that is left. */
  "moved",
  /** One revision, and sidecars lag, or need a person. */
  "patch",
  /** One revision; shared ConfigMaps, tags or labels of another one are left. */
  "leftovers",
  /** One revision, and nothing is left to do. */
  "current",
] as const;

export type Phase = (typeof PHASES)[number];

/**
 * Derives the phase of an upgrade from the cluster. Nothing else is read or stored: two reads of the
 * same cluster give the same phase.
 *
 * @returns `undefined` if it depends on something that could not be read: it is not claimed that
 *   nothing is left.
 */
export function phaseOf(upgrade: Upgrade): Phase | undefined {
  const phase = phaseOfRead(upgrade);
  const { snapshot, assessments, isInstalledRead } = upgrade;
  const isComplete =
    snapshot.gaps.length === 0 && assessments.every(({ verdict }) => verdict !== "unknown");
  if (!isInstalledRead) return undefined;
  // These phases say that something does not exist.
  const isClaim = phase === "current" || phase === "moved" || phase === "leftovers";
  return isClaim && !isComplete ? undefined : phase;
}

function phaseOfRead(upgrade: Upgrade): Phase {
  const { installed, asked, to, assessments } = upgrade;
  if (isStranded(upgrade)) return "stranded";
  if (asked !== undefined && !installed.includes(asked)) return "planning";
  if (installed.length > 1) return phaseOfTwo(upgrade, to ?? installed.at(-1) ?? "");
  if (installed.length === 0) return "stranded";
  const isLagging = assessments.some(({ verdict }) =>
    ["outdated", "would-lose", "blocked"].includes(verdict),
  );
  if (isLagging) return "patch";
  return hasLeftovers(upgrade) ? "leftovers" : "current";
}

/**
 * Decides between the phases of an upgrade with several revisions.
 *
 * @param to the revision of `--to`; without one, the newest, because a user starts forward.
 */
function phaseOfTwo(upgrade: Upgrade, to: string): Phase {
  const others = upgrade.installed.filter((name) => name !== to);
  if (!isReady(to, upgrade)) return "starting";
  if (!isBegun(to, upgrade)) return "ready";
  return others.some((name) => isUsed(name, upgrade)) ? "moving" : "moved";
}

/** True if live pods belong to a revision that is gone, or depend on a label that names one. */
function isStranded(upgrade: Upgrade): boolean {
  const { gone, pods, labels } = upgrade;
  return (
    pods.some(
      ({ kind, revision = "", managed }) => kind === "pods" && !managed && gone.has(revision),
    ) || labels.some((reference) => gone.has(reference.revision) && isNeeded(reference, upgrade))
  );
}

/** True if live pods depend on a label: it decides about the pods that replace them. */
function isNeeded(reference: LabelReference, upgrade: Upgrade): boolean {
  const { kind, names, namespace } = reference;
  const { snapshot } = upgrade;
  const [name = ""] = names;
  switch (kind) {
    case "namespaces":
      return livePods(upgrade).has(name);
    case "templates":
      return upgrade.pods.some((pods) => pods.kind === "pods" && pods.names.includes(name));
    case "gateways":
      return snapshot.workloads.some(
        (workload) =>
          isRenderedGateway(workload) &&
          workload.pods.length > 0 &&
          `${namespace}/${gatewayName(workload)}` === name,
      );
    case "tags":
      return false;
  }
}

function hasLeftovers(upgrade: Upgrade): boolean {
  const { gone, labels, deadTags } = upgrade;
  return (
    staleConfigMaps(upgrade).length > 0 ||
    deadTags.length > 0 ||
    labels.some(({ revision }) => gone.has(revision))
  );
}

/**
 * Names the shared ConfigMaps of revisions that are not installed. Without `--to`, one for a newer
 * revision is no leftover: users create it before they start an upgrade.
 */
export function staleConfigMaps({
  mesh,
  installed,
  asked,
  to,
}: Pick<Upgrade, "mesh" | "installed" | "asked" | "to">): readonly string[] {
  const prefix = `${SHARED_CONFIG_MAP}-`;
  return [...(mesh.sharedConfigMaps?.keys() ?? [])]
    .filter((name) => {
      const revision = name.slice(prefix.length);
      if (installed.includes(revision) || revision === asked) return false;
      return asked !== undefined || to === undefined || compareRevisions(revision, to) < 0;
    })
    .sort();
}
