import { AKS_ISTIO_NAMESPACE, AKS_MANAGED, INJECTION, REVISION } from "../istio-labels.ts";
import { istioUpgrade, kubectl, sentence, sequence } from "../next-step.ts";
import type { Labels, Namespace, OwnedNamespace } from "../snapshot.ts";
import { listing } from "../wording.ts";
import { calledElsewhere, otherMeshStep } from "./elsewhere.ts";
import type { Finding } from "./findings.ts";
import { OWN_MANAGER } from "./gitops.ts";
import { calledInjectors } from "./injector-match.ts";
import { labelOwner, ownerStep } from "./label-owner.ts";
import { type Mesh, PLAIN_POD } from "./mesh.ts";
import { setTag } from "./remaining-references.ts";
import { compareRevisions } from "./revision-order.ts";

/** The value of the label `istio.io/rev` that namespaces get, and the revision that it leads to. */
export interface MoveTarget {
  readonly label: string;
  readonly revision: string;
  /** True if the label names a tag. */
  readonly isTag: boolean;
}

/** A change of the labels of one namespace. */
export interface NamespaceChange {
  /** The former value of `istio.io/rev`; `undefined` if there was none. */
  readonly from: string | undefined;
  /** The former value of `istio-injection`; `undefined` if there was none. */
  readonly injection: string | undefined;
  readonly to: string;
}

/** The decision about one namespace that is to be moved. */
export type NamespaceDecision =
  /** The namespace leads to the revision already. */
  | { readonly kind: "follows"; readonly change: NamespaceChange }
  | { readonly kind: "label"; readonly change: NamespaceChange }
  /** `isAwaited` is true if somebody else can change the label, and a run may wait for that. */
  | {
      readonly kind: "refused";
      readonly change: NamespaceChange;
      readonly finding: Finding;
      readonly isAwaited: boolean;
    };

export interface MoveOptions {
  /** True if the label `istio-injection` may be removed. */
  readonly dropInjectionLabel: boolean;
  /** The namespaces of the move. */
  readonly moved: readonly string[];
  /** The names of the namespaces by their label `istio.io/rev`; `undefined` if they could not be listed. */
  readonly byLabel: ReadonlyMap<string, readonly string[]> | undefined;
}

/** Finds the revision that the name of a revision or of a tag leads to; `undefined` if there is none. */
export function moveTarget(name: string, mesh: Mesh): MoveTarget | undefined {
  const { revisions, istiods, injectors = [] } = mesh;
  if (revisions.has(name) || istiods?.has(name) === true) {
    return { label: name, revision: name, isTag: false };
  }
  const tag = injectors.find((injector) => injector.tag === name && injector.revision);
  return tag?.revision === undefined
    ? undefined
    : { label: name, revision: tag.revision, isTag: true };
}

/** Returns the revisions to which the labels of a namespace lead its new pods. */
export function revisionsOf(labels: Labels, { injectors = [] }: Mesh): readonly string[] {
  const namespace = { name: "", labels, annotations: {} };
  const called = calledInjectors(PLAIN_POD, namespace, injectors);
  return [...new Set(called.map(({ revision }) => revision ?? "an unknown revision"))];
}

/** True if new pods of a namespace are of the revision of the move, by the label that it asks for. */
export function followsTarget(labels: Labels, target: MoveTarget, mesh: Mesh): boolean {
  const led = revisionsOf(labels, mesh);
  const isNamed = !target.isTag || labels[REVISION] === target.label;
  return isNamed && led.length === 1 && led[0] === target.revision;
}

/** Returns the labels to send, by their keys; `null` removes a label. */
export function labelsToSend({ injection, to }: NamespaceChange): Record<string, string | null> {
  return { [REVISION]: to, ...(injection === undefined ? {} : { [INJECTION]: null }) };
}

/** Returns a namespace as it is after a change of its labels. */
export function withChange(namespace: Namespace, change: NamespaceChange): Namespace {
  const { [INJECTION]: _, ...labels } = namespace.labels;
  return { ...namespace, labels: { ...labels, [REVISION]: change.to } };
}

/** Decides if a namespace is moved, and how. */
export function decideMove(
  namespace: OwnedNamespace,
  target: MoveTarget,
  mesh: Mesh,
  options: MoveOptions,
): NamespaceDecision {
  const { name, labels } = namespace;
  const change = { from: labels[REVISION], injection: labels[INJECTION], to: target.label };
  const refused = (finding: Finding, isAwaited = false) =>
    ({ kind: "refused", change, finding, isAwaited }) as const;
  if (isReserved(namespace, mesh)) return refused(reserved(name));
  if (followsTarget(labels, target, mesh)) return { kind: "follows", change };
  if (change.injection !== undefined && !options.dropInjectionLabel) {
    return refused(injectionLabel(name, change.injection, target, options));
  }
  if (change.from === undefined && change.injection === undefined) {
    return refused(notInMesh(namespace, mesh));
  }
  const elsewhere = calledElsewhere(labels, mesh)?.elsewhere;
  if (elsewhere !== undefined) {
    return refused({
      code: "other-mesh",
      reason: `the labels of namespace ${name} lead to the control plane of another mesh`,
      nextStep: otherMeshStep(elsewhere, "check", "--namespace", name),
    });
  }
  const tagged = followedTag(namespace, target, mesh);
  if (tagged !== undefined) return refused(followsTag(name, tagged, target, mesh, options), true);
  const keys = [REVISION, ...(change.injection === undefined ? [] : [INJECTION])];
  const key = keys.find((one) => labelOwner(namespace, one) !== undefined) ?? REVISION;
  const owner = labelOwner(namespace, key);
  if (owner !== undefined) {
    const wait = istioUpgrade("move", name, "--to", target.label, "--wait-for-label", "30m");
    return refused(
      {
        code: "label-owned",
        reason: `${owner} owns the label ${key} of namespace ${name}, and may set it back`,
        nextStep: sentence`${ownerStep(namespace, owner, change)}; to restart as soon as the label has changed: ${wait}`,
      },
      true,
    );
  }
  if (!followsTarget(withChange(namespace, change).labels, target, mesh)) {
    return refused({
      code: "not-selected",
      reason: `with the label ${REVISION}=${target.label}, the webhooks that select namespace ${name} would not be those of ${target.revision} alone`,
      nextStep: sentence`see the webhooks: ${kubectl("get", "mutatingwebhookconfigurations", "--show-labels")}`,
    });
  }
  return { kind: "label", change };
}

const SYSTEM = new Set(["kube-system", "kube-public", "kube-node-lease"]);
/** The namespaces that AKS creates for its gateways, beside that of istiod. */
const AKS_NAMESPACES = new Set([AKS_ISTIO_NAMESPACE, "aks-istio-ingress", "aks-istio-egress"]);

function isReserved({ name, labels }: Namespace, { istioNamespace }: Mesh): boolean {
  return (
    SYSTEM.has(name) ||
    name === istioNamespace ||
    AKS_NAMESPACES.has(name) ||
    labels[AKS_MANAGED] === "aks"
  );
}

function reserved(name: string): Finding {
  return {
    code: "reserved-namespace",
    reason: `namespace ${name} belongs to Kubernetes, AKS or the control plane: its labels are not for users`,
    nextStep: "move only the namespaces of your own workloads",
  };
}

function injectionLabel(
  name: string,
  value: string,
  { label }: MoveTarget,
  { moved }: MoveOptions,
): Finding {
  const drop = istioUpgrade("move", ...moved, "--to", label, "--drop-injection-label");
  return {
    code: "injection-label",
    reason: `namespace ${name} has ${INJECTION}=${value}: any ${INJECTION} label disables the injectors of revisions`,
    nextStep: sentence`remove that label in the same step: ${drop}`,
  };
}

function notInMesh({ name, labels }: Namespace, mesh: Mesh): Finding {
  const isSelected = revisionsOf(labels, mesh).length > 0;
  return {
    code: "not-in-mesh",
    reason: isSelected
      ? `a webhook selects namespace ${name} by another label than ${REVISION}`
      : `namespace ${name} has no label ${REVISION}, so that injection is off, or up to each pod template`,
    nextStep: isSelected
      ? "change that label with the tool that set it"
      : "workloads whose pod templates name a revision move when the templates change; to add the namespace to the mesh, label it yourself",
  };
}

/**
 * Returns the tag that a namespace follows, if the namespace would lose it. A tag that this program set may
 * be taken back again.
 */
function followedTag(
  { labels, labelManagers }: OwnedNamespace,
  { isTag, revision }: MoveTarget,
  { injectors = [] }: Mesh,
): string | undefined {
  const tag = labels[REVISION];
  const found = injectors.find((injector) => tag !== undefined && injector.tag === tag);
  if (isTag || found === undefined) return undefined;
  const isOurs = labelManagers.get(REVISION)?.every((manager) => manager === OWN_MANAGER) === true;
  const isBack = found.revision !== undefined && compareRevisions(found.revision, revision) > 0;
  return isOurs && isBack ? undefined : tag;
}

/** The number of namespaces that a message names. */
const MOST_NAMED = 10;

function followsTag(
  name: string,
  tag: string,
  { revision }: MoveTarget,
  mesh: Mesh,
  { moved, byLabel }: MoveOptions,
): Finding {
  const [now = "no revision"] = revisionsOf({ [REVISION]: tag }, mesh);
  const together = byLabel?.get(tag)?.toSorted();
  const others = together?.filter((other) => other !== name) ?? [];
  const named = listing(others.slice(0, MOST_NAMED), others.length);
  const with_ =
    together === undefined
      ? "every other namespace with this label moves with it"
      : others.length === 0
        ? "no other namespace follows it"
        : `with it move: ${named}`;
  const flip = setTag(tag, revision, mesh.istioNamespace);
  const then = istioUpgrade("move", ...(together ?? moved), "--to", revision);
  return {
    code: "follows-tag",
    reason: `namespace ${name} follows the tag ${tag}, which leads to ${now}; ${with_}`,
    nextStep: sentence`move the tag, then the pods: ${sequence([flip, then])}`,
  };
}

/** Returns a warning if the next `kubectl apply` of a manifest sets the label back. */
export function appliedLabelWarning({ name, appliedLabels }: OwnedNamespace): string | undefined {
  return appliedLabels.includes(REVISION)
    ? `the manifest of namespace ${name} has the label ${REVISION}: change it there too, or the next time that somebody applies it sets the label back`
    : undefined;
}
