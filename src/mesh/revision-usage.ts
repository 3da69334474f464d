import type { UsageSnapshot } from "../snapshot.ts";
import { newestRevision } from "./findings.ts";
import {
  countUses,
  type RemainingReferences,
  remainingReferences,
  namesOf,
} from "./remaining-references.ts";
import { defaultTarget, type Mesh } from "./mesh.ts";
import { podReferences, labelReferences, type Reference } from "./references.ts";

export interface UsageByRevision {
  /** Sorted by name. */
  readonly revisions: readonly RevisionUsage[];
  /** What may hold any revision: sidecars, and tags, that do not say which one they belong to. */
  readonly unattributed: {
    readonly pods: number;
    readonly names: readonly string[];
    readonly tags: readonly string[];
  };
}

/** One revision, installed or not, with all that uses it. */
export interface RevisionUsage {
  readonly name: string;
  /** `undefined`: that could not be read. */
  readonly installed: boolean | undefined;
  readonly ready: boolean | undefined;
  /** What it gives a plain pod; `undefined` where that cannot be told. */
  readonly image: string | undefined;
  readonly source: string | undefined;
  readonly tags: readonly string[];
  readonly namespaces: readonly LabelledNamespace[];
  readonly pods: PodCounts;
  /** What would lose its control plane if the revision were removed now. */
  readonly references: readonly RemainingReferences[];
}

export interface LabelledNamespace {
  readonly name: string;
  /** `istio.io/rev=prod` */
  readonly label: string;
  /** `undefined`: the label names the revision itself. */
  readonly tag: string | undefined;
}

export interface PodCounts {
  /** Live pods. */
  readonly sidecars: number;
  /** Live pods. */
  readonly gateways: number;
  readonly terminating: number;
  /** Of all those, what AKS takes away together with the revision. */
  readonly managed: number;
}

/** What uses each revision: those installed, and those that something still refers to. */
export function usageByRevision(snapshot: UsageSnapshot, mesh: Mesh): UsageByRevision {
  const pods = podReferences(snapshot);
  const uses: readonly Reference[] = [...pods, ...labelReferences(snapshot, mesh)];
  const names = new Set([
    ...mesh.revisions.keys(),
    ...(snapshot.controlPlane.istiods ?? []).flatMap(({ revision }) => revision ?? []),
    ...uses.flatMap(({ revision }) => revision ?? []),
  ]);
  const lost = pods.filter(({ revision, managed }) => revision === undefined && !managed);
  return {
    revisions: [...names].sort().map((name) =>
      revisionUse(
        name,
        uses.filter(({ revision }) => revision === name),
        snapshot,
        mesh,
      ),
    ),
    unattributed: { pods: countUses(lost), names: namesOf(lost), tags: tagsToAnywhere(mesh) },
  };
}

/** Tags behind a URL, or a Service that does not tell; one whose Service is gone leads nowhere. */
function tagsToAnywhere({ injectors = [], istioNamespace }: Mesh): readonly string[] {
  const untold = injectors.filter(
    ({ revision, available, service }) =>
      revision === undefined &&
      available !== false &&
      (service?.namespace ?? istioNamespace) === istioNamespace,
  );
  return [...new Set(untold.flatMap(({ tag }) => tag ?? []))].sort();
}

function revisionUse(
  name: string,
  uses: readonly Reference[],
  { controlPlane: { istiods, configMaps } }: UsageSnapshot,
  mesh: Mesh,
): RevisionUsage {
  const revision = mesh.revisions.get(name);
  const istiod = istiods?.find((candidate) => candidate.revision === name);
  const there = revision !== undefined || istiod !== undefined;
  const unread = configMaps === undefined || istiods === undefined;
  return {
    name,
    installed: there || (unread ? undefined : false),
    // Its ConfigMap is there, and no Deployment.
    ready: istiod?.ready ?? (there && istiods !== undefined ? false : undefined),
    image: revision && defaultTarget(revision),
    source: revision?.source,
    tags: uses.flatMap((use) => (use.kind === "tags" ? use.names : [])).sort(),
    namespaces: uses.flatMap((use) =>
      use.kind === "namespaces"
        ? [{ name: use.names[0] ?? "", label: use.label, tag: use.tag }]
        : [],
    ),
    pods: countPods(uses),
    references: remainingReferences(uses, {
      from: name,
      to: newestRevision(mesh, name),
      istioNamespace: mesh.istioNamespace,
    }),
  };
}

function countPods(all: readonly Reference[]): PodCounts {
  const uses = all.flatMap((use) => ("managed" in use ? [use] : []));
  const live = uses.filter(({ kind }) => kind === "pods");
  return {
    sidecars: countUses(live.filter(({ gateway, managed }) => !gateway && !managed)),
    gateways: countUses(live.filter(({ gateway, managed }) => gateway || managed)),
    terminating: countUses(uses.filter(({ kind }) => kind === "terminating-pods")),
    managed: countUses(uses.filter(({ managed }) => managed)),
  };
}
