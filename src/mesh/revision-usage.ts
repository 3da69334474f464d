import type { UsageSnapshot } from "../snapshot.ts";
import { choicesOf, choiceStep } from "./choices.ts";
import { type Finding, newestRevision } from "./findings.ts";
import { lostSettings, lostSharedConfigMap } from "./shared-config-map.ts";
import { kubectl, type NextStep, sentence } from "../next-step.ts";
import {
  countReferences,
  namesOf,
  type RemainingReferences,
  remainingReferences,
} from "./remaining-references.ts";
import { calledElsewhere, injectorElsewhere } from "./elsewhere.ts";
import { defaultImage, type Elsewhere, type Mesh, SHARED_CONFIG_MAP } from "./mesh.ts";
import { removalSteps } from "./removal.ts";
import {
  isPodReference,
  type PodReference,
  type Reference,
  type References,
  referencesIn,
} from "./references.ts";

/** The references to every revision in the cluster. */
export interface UsageByRevision {
  /** Sorted by name. */
  readonly revisions: readonly RevisionUsage[];
  /** Sidecars and tags whose revision is unknown. Any revision may be in use by them. */
  readonly unattributed: {
    readonly pods: number;
    readonly names: readonly string[];
    readonly tags: readonly string[];
  };
}

const MOST_NAMES = 10;

/** One revision, installed or not, and the references to it. */
export interface RevisionUsage {
  readonly name: string;
  /** True if it is installed in the Istio namespace; `undefined` if that, or its place, is unread. */
  readonly installed: boolean | undefined;
  /** The place of the control plane, if it is not the Istio namespace. */
  readonly elsewhere: Elsewhere | undefined;
  /** True if the control plane is ready; `undefined` if it is not installed or was not read. */
  readonly ready: boolean | undefined;
  /** The image that the revision gives a plain pod; `undefined` if that is unknown. */
  readonly image: string | undefined;
  readonly source: string | undefined;
  readonly tags: readonly string[];
  readonly namespaces: readonly LabelledNamespace[];
  readonly pods: PodCounts;
  /** Mesh configuration that the newest revision lacks, and that pods lose when they move to it. */
  readonly lostConfiguration: readonly Finding[];
  /** The steps that remove the revision once nothing uses it. */
  readonly removal: readonly NextStep[];
  /** The references that the user must remove before the revision can be removed. */
  readonly references: readonly RemainingReferences[];
}

/** A namespace whose labels lead new pods to the revision. */
export interface LabelledNamespace {
  readonly name: string;
  /** For example `istio.io/rev=prod`. */
  readonly label: string;
  /** The tag that the label names; `undefined` if the label leads to the revision without a tag. */
  readonly tag: string | undefined;
}

export interface PodCounts {
  /** Live pods with a sidecar, without gateways. */
  readonly sidecars: number;
  /** Live pods of gateways. */
  readonly gateways: number;
  readonly terminating: number;
  /** The number of pods, included above, that AKS removes together with the revision. */
  readonly managed: number;
}

/**
 * Finds the references to every revision that is installed or that a reference names.
 *
 * @param found the references in the snapshot, if the caller has found them already.
 */
export function usageByRevision(
  snapshot: UsageSnapshot,
  mesh: Mesh,
  found: References = referencesIn(snapshot, mesh),
): UsageByRevision {
  const { pods } = found;
  const references: readonly Reference[] = [...pods, ...found.labels];
  const names = new Set([
    ...mesh.revisions.keys(),
    ...(snapshot.controlPlane.istiods ?? []).flatMap(({ revision }) => revision ?? []),
    ...references.flatMap(({ revision }) => revision ?? []),
  ]);
  const unattributed = pods.filter(({ revision, managed }) => revision === undefined && !managed);
  return {
    revisions: [...names].sort().map((name) =>
      usageOfRevision(
        name,
        references.filter(({ revision }) => revision === name),
        snapshot,
        mesh,
      ),
    ),
    unattributed: {
      pods: countReferences(unattributed),
      names: namesOf(unattributed).slice(0, MOST_NAMES),
      tags: unattributedTags(mesh),
    },
  };
}

/**
 * Tags whose revision is unknown: their webhook calls a URL, or a Service that leads to no single
 * revision. A tag whose Service does not exist leads to no revision at all.
 */
function unattributedTags({ injectors = [], istioNamespace }: Mesh): readonly string[] {
  const unattributed = injectors.filter(
    ({ revision, available, service }) =>
      revision === undefined &&
      available !== false &&
      (service?.namespace ?? istioNamespace) === istioNamespace,
  );
  return [...new Set(unattributed.flatMap(({ tag }) => tag ?? []))].sort();
}

function usageOfRevision(
  name: string,
  references: readonly Reference[],
  { controlPlane: { istiods, configMaps }, namespaces }: UsageSnapshot,
  mesh: Mesh,
): RevisionUsage {
  const revision = mesh.revisions.get(name);
  const istiod = istiods?.find((candidate) => candidate.revision === name);
  const isInstalled = revision !== undefined || istiod !== undefined;
  const unread = configMaps === undefined || istiods === undefined;
  const elsewhere = isInstalled
    ? undefined
    : (injectorElsewhere(name, mesh)?.elsewhere ?? remoteOfPods(references, namespaces, mesh));
  return {
    name,
    installed: isInstalled || (unread || elsewhere ? undefined : false),
    elsewhere,
    // A revision that has a ConfigMap but no Deployment is not ready.
    ready: istiod?.ready ?? (isInstalled && istiods !== undefined ? false : undefined),
    image: revision && defaultImage(revision),
    source: revision?.source,
    tags: references.flatMap(({ kind, names }) => (kind === "tags" ? names : [])).sort(),
    namespaces: references.flatMap((reference) =>
      reference.kind === "namespaces"
        ? [{ name: reference.names[0] ?? "", label: reference.label, tag: reference.tag }]
        : [],
    ),
    pods: podCounts(references.filter(isPodReference)),
    lostConfiguration: isInstalled ? lostConfiguration(name, mesh) : [],
    removal: removalSteps(name, mesh),
    references: remainingReferences(references, {
      from: name,
      choose: (stepTo) => {
        const choices = choicesOf(mesh, stepTo).filter(({ revision: other }) => other !== name);
        const isAlone = choices.length === 0 && !mesh.revisionsUnread;
        return isAlone ? undefined : choiceStep(choices, mesh);
      },
      istioNamespace: mesh.istioNamespace,
      elsewhere,
      ambiguous: !isInstalled && mesh.injectors?.some((injector) => injector.elsewhere) === true,
    }),
  };
}

function lostConfiguration(name: string, mesh: Mesh): readonly Finding[] {
  const newest = newestRevision(mesh) ?? name;
  if (newest === name || mesh.sharedConfigMaps === undefined) return [];
  const missing = lostSharedConfigMap([{ revision: name }], newest, mesh);
  const warning = lostSettings(name, newest, mesh);
  return [
    ...(missing ? [missing] : []),
    ...(warning
      ? [
          {
            code: warning.code,
            reason: warning.message,
            nextStep: copySettings(name, newest, mesh),
          },
        ]
      : []),
  ];
}

function copySettings(from: string, to: string, { istioNamespace }: Mesh): NextStep {
  const show = (name: string) =>
    kubectl("get", "configmap", `${SHARED_CONFIG_MAP}-${name}`, "-n", istioNamespace, "-o", "yaml");
  const edit = kubectl("edit", "configmap", `${SHARED_CONFIG_MAP}-${to}`, "-n", istioNamespace);
  return sentence`copy what you still need before labels move: ${show(from)}, then ${edit}`;
}

/** A remote control plane writes a revision of its own on the pods, which no webhook names. */
function remoteOfPods(
  references: readonly Reference[],
  namespaces: UsageSnapshot["namespaces"],
  mesh: Mesh,
): Elsewhere | undefined {
  return references
    .filter(isPodReference)
    .map(({ namespace }) => namespaces.get(namespace)?.labels)
    .map((labels) => labels && calledElsewhere(labels, mesh)?.elsewhere)
    .find((place) => place?.kind === "remote");
}

function podCounts(references: readonly PodReference[]): PodCounts {
  const live = references.filter(({ kind }) => kind === "pods");
  return {
    sidecars: countReferences(live.filter(({ gateway, managed }) => !gateway && !managed)),
    gateways: countReferences(live.filter(({ gateway, managed }) => gateway || managed)),
    terminating: countReferences(references.filter(({ kind }) => kind === "terminating-pods")),
    managed: countReferences(references.filter(({ managed }) => managed)),
  };
}
