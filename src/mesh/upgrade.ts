import { AKS_ISTIO_NAMESPACE } from "../istio-labels.ts";
import type { UsageSnapshot, Workload } from "../snapshot.ts";
import type { Assessment } from "./assessment.ts";
import { installedRevisions } from "./choices.ts";
import { calledElsewhere, injectorElsewhere } from "./elsewhere.ts";
import type { Injector, Mesh } from "./mesh.ts";
import { type LabelReference, type PodReference, referencesIn } from "./references.ts";
import { compareRevisions } from "./revision-order.ts";
import { hasSidecar } from "./running-pods.ts";
import { type UsageByRevision, usageByRevision } from "./revision-usage.ts";

/** The state of a mesh in the middle of an upgrade, and the direction of the upgrade. */
export interface Upgrade {
  readonly snapshot: UsageSnapshot;
  readonly mesh: Mesh;
  readonly usage: UsageByRevision;
  /** The assessments of all workloads of the mesh. */
  readonly assessments: readonly Assessment[];
  /** The installed revisions, the oldest one first. */
  readonly installed: readonly string[];
  /** False if it could not be read which revisions are installed. */
  readonly isInstalledRead: boolean;
  /** The revision of `--to`; `undefined` if the user named none. */
  readonly asked: string | undefined;
  /**
   * The revision that everything should end on: that of `--to`, or the only installed one. `undefined`
   * if only the user can tell.
   */
  readonly to: string | undefined;
  /** The revision to leave; `undefined` if there is none, or if only the user can tell. */
  readonly from: string | undefined;
  /** Revisions that are not installed in this cluster, and that pods or labels still name. */
  readonly gone: ReadonlySet<string>;
  /** References to the revisions of this mesh, installed or gone. */
  readonly pods: readonly PodReference[];
  readonly labels: readonly LabelReference[];
  /** Webhooks of tags that lead to no control plane. */
  readonly deadTags: readonly Injector[];
}

/**
 * Derives the state of an upgrade from one read of the whole cluster.
 *
 * @param asked the value of `--to`: a revision, installed or not, or a tag.
 */
export function upgradeOf(
  snapshot: UsageSnapshot,
  mesh: Mesh,
  assessments: readonly Assessment[],
  asked: string | undefined,
): Upgrade {
  const references = referencesIn(snapshot, mesh);
  const usage = usageByRevision(snapshot, mesh, references);
  const installed = installedIn(mesh);
  const named = asked === undefined ? undefined : revisionNamed(asked, installed, mesh);
  const to = named ?? (installed.length === 1 ? installed[0] : undefined);
  const others = to === undefined ? [] : mostUsed(installed, mesh).filter((name) => name !== to);
  const ours = new Set(
    usage.revisions
      .filter(({ name, elsewhere }) => elsewhere === undefined && !isUnrevisioned(name, mesh))
      .map(({ name }) => name),
  );
  const isInstalledRead = mesh.istiods !== undefined || !mesh.revisionsUnread;
  const isOurs = (name: string | undefined): name is string => name !== undefined && ours.has(name);
  return {
    snapshot,
    mesh,
    usage,
    assessments: assessments.filter(({ workload }) => !isOfOtherMesh(workload, snapshot, mesh)),
    installed,
    isInstalledRead,
    asked: named,
    to,
    from: others[0],
    gone: new Set(
      isInstalledRead
        ? [...ours].filter((name) => !installed.includes(name) && name !== named)
        : [],
    ),
    pods: references.pods.filter(({ revision }) => isOurs(revision)),
    labels: references.labels.filter(({ revision }) => isOurs(revision)),
    deadTags: deadTags(mesh),
  };
}

/** True for a workload whose pods belong to another mesh, or whose namespace leads to one. */
function isOfOtherMesh(workload: Workload, { namespaces }: UsageSnapshot, mesh: Mesh): boolean {
  const revisions = workload.pods.filter(hasSidecar).flatMap(({ revision }) => revision ?? []);
  if (revisions.length > 0) {
    return revisions.every((revision) => injectorElsewhere(revision, mesh) !== undefined);
  }
  const labels = namespaces.get(workload.namespace)?.labels;
  return labels !== undefined && calledElsewhere(labels, mesh) !== undefined;
}

/**
 * Returns the installed revisions: those whose istiod is a Deployment in the Istio namespace. AKS
 * removes the Deployment at the end of an upgrade. If Deployments are unread, the ConfigMaps tell.
 */
function installedIn(mesh: Mesh): readonly string[] {
  const { istiods, revisions } = mesh;
  return [...(istiods ?? revisions.keys())]
    .filter((name) => !isUnrevisioned(name, mesh))
    .sort(compareRevisions);
}

/**
 * True for the istiod without a revision that the application routing add-on of AKS installs beside
 * the revisions: it renders gateways, and injects nothing.
 */
function isUnrevisioned(name: string, { injectors = [], istioNamespace }: Mesh): boolean {
  return (
    name === "default" &&
    istioNamespace === AKS_ISTIO_NAMESPACE &&
    !injectors.some(({ revision }) => revision === name)
  );
}

/** Resolves a tag. Any other name stays as it is. */
function revisionNamed(name: string, installed: readonly string[], mesh: Mesh): string {
  if (installed.includes(name)) return name;
  return mesh.injectors?.find(({ tag }) => tag === name)?.revision ?? name;
}

function mostUsed(installed: readonly string[], mesh: Mesh): readonly string[] {
  const order = installedRevisions(mesh);
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...installed].sort((one, other) => rank(one) - rank(other));
}

/** Finds the webhooks of tags whose control plane is gone. */
function deadTags({ injectors = [] }: Mesh): readonly Injector[] {
  const dead = injectors.filter(
    ({ tag, revision, available, elsewhere }) =>
      tag !== undefined && revision === undefined && available === false && elsewhere === undefined,
  );
  // A configuration has several webhooks.
  return [...new Map(dead.map((injector) => [injector.configuration, injector])).values()];
}

/** True if a revision has to be left: it is another one than the upgrade leads to. */
export function isLeft(revision: string, { to }: Pick<Upgrade, "to">): boolean {
  return to !== undefined && revision !== to;
}

/** True if new pods and the sidecars of pods can reach the control plane of a revision. */
export function isReady(revision: string, { mesh, usage }: Upgrade): boolean {
  const found = usage.revisions.find(({ name }) => name === revision);
  return found?.ready === true && mesh.revisions.has(revision) && isAnswering(revision, mesh);
}

/** True if the API server can call a webhook of the revision itself; unread webhooks may answer. */
export function isAnswering(revision: string, { injectors }: Mesh): boolean {
  return (
    injectors === undefined ||
    injectors.some(
      (injector) =>
        injector.revision === revision &&
        injector.tag === undefined &&
        injector.available !== false,
    )
  );
}

/** True if anything still uses a revision, so that `revisions --assert-unused` fails. */
export function isUsed(revision: string, { usage }: Upgrade): boolean {
  const { unattributed, revisions } = usage;
  const found = revisions.find(({ name }) => name === revision);
  return (
    (found !== undefined && found.references.length > 0) ||
    unattributed.pods > 0 ||
    unattributed.tags.length > 0
  );
}

/**
 * True if something was moved to a revision: a label, a tag, or a sidecar. Istiod moves Gateways
 * without a label by itself, so that they do not count.
 */
export function isBegun(revision: string, { pods, labels }: Upgrade): boolean {
  return (
    labels.some((reference) => reference.revision === revision) ||
    pods.some(
      (reference) =>
        reference.revision === revision &&
        reference.kind === "pods" &&
        !reference.gateway &&
        !reference.managed,
    )
  );
}

/** The names of the namespaces that have live sidecars of users, with the number of these pods. */
export function livePods({ pods }: Upgrade): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const reference of pods) {
    if (reference.kind !== "pods" || reference.managed) continue;
    const { namespace, count } = reference;
    counts.set(namespace, (counts.get(namespace) ?? 0) + count);
  }
  return counts;
}
