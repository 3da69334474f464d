import { INJECTION, REVISION } from "../istio-labels.ts";
import { istioUpgrade, type NextStep, sentence } from "../next-step.ts";
import type { Labels } from "../snapshot.ts";
import { calledInjectors } from "./injector-match.ts";
import { type Elsewhere, type Injector, type Mesh, PLAIN_POD } from "./mesh.ts";

/**
 * Finds the webhook that leads to a revision, if its control plane is not in the Istio namespace.
 *
 * @returns `undefined` for a revision of the Istio namespace, and for one without a webhook.
 */
export function injectorElsewhere(revision: string, mesh: Mesh): Injector | undefined {
  const { injectors = [], revisions, istiods } = mesh;
  if (revisions.has(revision) || istiods?.has(revision) === true) return undefined;
  const labels = revision === "default" ? { [INJECTION]: "enabled" } : { [REVISION]: revision };
  return (
    injectors.find((injector) => revisionByService(injector) === revision) ??
    calledElsewhere(labels, mesh)
  );
}

/** Finds a webhook that the labels of a namespace select, and whose control plane is elsewhere. */
export function calledElsewhere(labels: Labels, { injectors = [] }: Mesh): Injector | undefined {
  const namespace = { name: "", labels, annotations: {} };
  return calledInjectors(PLAIN_POD, namespace, injectors).find(({ elsewhere }) => elsewhere);
}

/**
 * Returns the revision in the name of a Service that is in another namespace, such as `istiod-1-30`.
 * Source: Istio `manifests/charts/istio-control/istio-discovery/templates/service.yaml`.
 */
export function revisionByService({ service, elsewhere }: Injector): string | undefined {
  if (elsewhere?.kind !== "namespace" || service === undefined) return undefined;
  const [, suffix] = /^istiod(?:-(?!revision-tag-)(.+))?$/.exec(service.name) ?? [undefined, null];
  return suffix === null ? undefined : (suffix ?? "default");
}

/** Returns the next step for something that belongs to another mesh, which no command may move. */
export function otherMeshStep(place: Elsewhere, ...args: readonly string[]): NextStep {
  return place.kind === "remote"
    ? "its control plane is outside this cluster: ask its operator before you move anything"
    : sentence`it belongs to another mesh, see: ${istioUpgrade(...args, "--istio-namespace", place.namespace)}`;
}
