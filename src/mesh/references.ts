import {
  AKS_ISTIO_NAMESPACE,
  AKS_REVISION,
  INJECT,
  INJECTION,
  INJECTION_TEMPLATES,
  MANAGED_GATEWAY,
  REVISION,
} from "../istio-labels.ts";
import { newPodOf } from "../kubernetes/controller-labels.ts";
import { shortKind } from "../kubernetes/kinds.ts";
import type {
  LabelledObject,
  Namespace,
  PodGroup,
  PodTemplate,
  TemplateOwner,
  UsageSnapshot,
  Workload,
} from "../snapshot.ts";
import { calledElsewhere, injectorElsewhere, revisionByService } from "./elsewhere.ts";
import { calledInjectors } from "./injector-match.ts";
import { managedFinding } from "./managed.ts";
import { type Elsewhere, type Injector, type Mesh, PLAIN_POD } from "./mesh.ts";
import { type PodRelease, releaseOfPods } from "./pod-release.ts";
import { hasSidecar } from "./running-pods.ts";

/** A use of a revision: pods with its sidecar, or a label that leads new pods to it. */
export type Reference = PodReference | LabelReference;

/** Pods whose sidecar belongs to a revision. */
export interface PodReference {
  readonly kind: "pods" | "terminating-pods";
  /** `undefined` if the pods do not name their revision. */
  readonly revision: string | undefined;
  readonly namespace: string;
  /** The workload of live pods; the names of terminating pods, at most ten. */
  readonly names: readonly string[];
  readonly count: number;
  readonly gateway: boolean;
  /** True if the pods are a gateway of AKS, which AKS removes together with the revision. */
  readonly managed: boolean;
  /** The way in which live pods can stop using the revision. */
  readonly release: PodRelease;
}

/** A label or a tag that leads new pods, or a Gateway, to a revision. */
export interface LabelReference {
  readonly kind: "tags" | "namespaces" | "templates" | "gateways";
  readonly revision: string;
  readonly namespace: string;
  readonly names: readonly string[];
  readonly count: 1;
  /** For example `istio.io/rev=prod`. */
  readonly label: string;
  /** The tag that the label names; `undefined` if the label leads to the revision without a tag. */
  readonly tag: string | undefined;
  /** The kind of a template's owner. */
  readonly ownerKind?: string;
  /** The place of another control plane to which the labels lead as well. */
  readonly elsewhere?: Elsewhere | undefined;
}

export function isPodReference(reference: Reference): reference is PodReference {
  return reference.kind === "pods" || reference.kind === "terminating-pods";
}

/** All references in a cluster. */
export interface References {
  readonly pods: readonly PodReference[];
  readonly labels: readonly LabelReference[];
}

export function referencesIn(snapshot: UsageSnapshot, mesh: Mesh): References {
  return { pods: podReferences(snapshot, mesh), labels: labelReferences(snapshot, mesh) };
}

/** The names of the namespaces that the references are in; a tag is in none. */
export function namespacesOf(references: readonly LabelReference[]): readonly string[] {
  return references.flatMap(({ kind, namespace, names }) =>
    kind === "tags" ? [] : kind === "namespaces" ? names : [namespace],
  );
}

/** Lists the live and terminating pods that have a sidecar. */
function podReferences(
  { workloads, namespaces }: UsageSnapshot,
  mesh: Mesh,
): readonly PodReference[] {
  return workloads.flatMap((workload) => {
    const { namespace, pods, terminatingPods } = workload;
    const reference = (
      kind: PodReference["kind"],
      group: PodGroup,
      names: readonly string[],
    ): PodReference => ({
      kind,
      revision: group.revision,
      namespace,
      names,
      count: group.pods,
      gateway: isGateway(workload),
      managed: isAksGateway(workload) && mayBeOfAks(group.revision, mesh),
      release:
        kind === "pods"
          ? releaseOfPods(workload, group, namespaces.get(namespace), mesh)
          : { by: "waiting", to: undefined },
    });
    return [
      ...pods.filter(hasSidecar).map((group) => reference("pods", group, [pathOf(workload)])),
      ...terminatingPods.filter(hasSidecar).map((group) =>
        reference(
          "terminating-pods",
          group,
          group.podNames.map((name) => `${namespace}/${name}`),
        ),
      ),
    ];
  });
}

/** True if the proxy is a gateway, which either the gateway template injects or istiod renders. */
function isGateway({ labels, template }: Workload): boolean {
  const all = { ...labels, ...template?.labels };
  const templates = template?.annotations[INJECTION_TEMPLATES] ?? "";
  return (
    templates.split(",").some((name) => name.trim() === "gateway") ||
    template?.proxy?.args.includes("router") === true ||
    all["gateway.networking.k8s.io/gateway-name"] !== undefined ||
    all[MANAGED_GATEWAY] !== undefined
  );
}

/** False for a revision that AKS does not install, with which it removes no gateway. */
function mayBeOfAks(revision: string | undefined, mesh: Mesh): boolean {
  if (revision === undefined) return true;
  const place = injectorElsewhere(revision, mesh)?.elsewhere;
  if (place !== undefined) {
    return place.kind === "namespace" && place.namespace === AKS_ISTIO_NAMESPACE;
  }
  if (mesh.revisions.has(revision)) return mesh.istioNamespace === AKS_ISTIO_NAMESPACE;
  return AKS_REVISION.test(revision);
}

/** During an upgrade, AKS runs gateways of both revisions. At the end it removes the old ones. */
function isAksGateway(workload: Workload): boolean {
  const pods = [...workload.pods, ...workload.terminatingPods];
  return managedFinding(workload, pods)?.code === "aks-gateway";
}

/** Lists the tags and labels that lead new pods, or Gateways, to a revision. */
function labelReferences(snapshot: UsageSnapshot, mesh: Mesh): readonly LabelReference[] {
  const tags = revisionsByTag(mesh);
  const byNamespace = new Map(
    [...snapshot.namespaces].map(([name, namespace]) => [
      name,
      namespaceReferences(namespace, tags, mesh),
    ]),
  );
  // The template of an owner that was read replaces the one that its pods show.
  const read = new Set(snapshot.templateOwners.map(pathOf));
  const ofTemplate = (owner: TemplateOwner) => {
    const namespace = snapshot.namespaces.get(owner.namespace);
    const inherited = byNamespace.get(owner.namespace) ?? [];
    return templateReferences(owner, namespace, { tags, mesh, inherited });
  };
  const ofWorkloads = snapshot.workloads
    .filter((workload) => workload.kind !== "Pod" && !read.has(pathOf(workload)))
    .flatMap((workload) => {
      const found = ofTemplate(workload);
      if (!isAksGateway(workload)) return found;
      return found.filter(({ revision }) => !mayBeOfAks(revision, mesh));
    });
  return [
    ...[...tags].map(([tag, revision]) => tagReference(tag, revision)),
    ...[...byNamespace.values()].flat(),
    ...ofWorkloads,
    ...snapshot.templateOwners.flatMap(ofTemplate),
    ...(snapshot.gateways ?? []).flatMap((gateway) => gatewayReferences(gateway, tags)),
  ];
}

/** The revision that each tag leads to. */
type RevisionsByTag = ReadonlyMap<string, string>;

function revisionsByTag({ injectors = [] }: Mesh): RevisionsByTag {
  const resolved = (revisionOf: (injector: Injector) => string | undefined) =>
    injectors.flatMap((injector) => {
      const { tag } = injector;
      const revision = revisionOf(injector);
      return tag === undefined || revision === undefined ? [] : [[tag, revision] as const];
    });
  // A tag of this mesh replaces one of another mesh with the same name.
  return new Map([...resolved(revisionByService), ...resolved(({ revision }) => revision)]);
}

/** Resolves the value of a label `istio.io/rev`, which is the name of a tag or of a revision. */
function resolveLabel(
  value: string,
  tags: RevisionsByTag,
): Pick<LabelReference, "label" | "revision" | "tag"> {
  const label = `${REVISION}=${value}`;
  const tagged = tags.get(value);
  return { label, revision: tagged ?? value, tag: tagged === undefined ? undefined : value };
}

function tagReference(tag: string, revision: string): LabelReference {
  return {
    kind: "tags",
    revision,
    namespace: "",
    names: [tag],
    count: 1,
    label: `${REVISION}=${tag}`,
    tag: undefined,
  };
}

function namespaceReferences(
  namespace: Namespace,
  tags: RevisionsByTag,
  mesh: Mesh,
): readonly LabelReference[] {
  const elsewhere = calledElsewhere(namespace.labels, mesh)?.elsewhere;
  const names = [namespace.name];
  const base = { kind: "namespaces", namespace: "", names, count: 1, elsewhere } as const;
  const value = namespace.labels[REVISION];
  const references: LabelReference[] = value ? [{ ...base, ...resolveLabel(value, tags) }] : [];
  // Other labels can select a webhook, too: `istio-injection=enabled`, or labels of the user's own.
  for (const { revision, tag } of selectedRevisions(PLAIN_POD, namespace, mesh)) {
    if (references.some((reference) => reference.revision === revision)) continue;
    const injection = namespace.labels[INJECTION];
    const label = injection === undefined ? "selected by a webhook" : `${INJECTION}=${injection}`;
    references.push({ ...base, revision, tag, label });
  }
  return references;
}

/** @param context `inherited` are the references of the owner's namespace. */
function templateReferences(
  owner: TemplateOwner,
  namespace: Namespace | undefined,
  context: {
    readonly tags: RevisionsByTag;
    readonly mesh: Mesh;
    readonly inherited: readonly LabelReference[];
  },
): readonly LabelReference[] {
  const { tags, mesh, inherited } = context;
  const template = newPodOf(owner);
  // The control plane's own pods opt out of injection, but also carry a label with their revision.
  if (template === undefined || template.labels[INJECT] === "false") return [];
  const base = {
    kind: "templates",
    namespace: owner.namespace,
    names: [pathOf(owner)],
    count: 1,
    ownerKind: owner.kind,
  } as const;
  const value = template.labels[REVISION];
  const references: LabelReference[] = value ? [{ ...base, ...resolveLabel(value, tags) }] : [];
  const selected = namespace === undefined ? [] : selectedRevisions(template, namespace, mesh);
  for (const { revision, tag } of selected) {
    if ([...references, ...inherited].some((reference) => reference.revision === revision))
      continue;
    const inject = template.labels[INJECT];
    const label = inject === undefined ? "selected by a webhook" : `${INJECT}=${inject}`;
    references.push({ ...base, revision, tag, label });
  }
  return references;
}

function gatewayReferences(
  { namespace, name, labels }: LabelledObject,
  tags: RevisionsByTag,
): readonly LabelReference[] {
  const value = labels[REVISION];
  if (!value) return [];
  const names = [`${namespace}/${name}`];
  return [{ kind: "gateways", namespace, names, count: 1, ...resolveLabel(value, tags) }];
}

/** The revisions whose webhooks select a pod of the template. */
function selectedRevisions(template: PodTemplate, namespace: Namespace, { injectors }: Mesh) {
  return calledInjectors(template, namespace, injectors ?? []).flatMap((injector) => {
    const { tag, revision = revisionByService(injector) } = injector;
    return revision === undefined ? [] : [{ revision, tag }];
  });
}

/** A name such as `shop/deploy/web`. */
function pathOf({ namespace, kind, name }: Omit<TemplateOwner, "template">): string {
  return `${namespace}/${shortKind(kind)}/${name}`;
}
