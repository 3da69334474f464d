import { newPodOf } from "../kubernetes/controller-labels.ts";
import {
  isInjectedByHand,
  type Namespace,
  type Pin,
  type PodTemplate,
  type Workload,
} from "../snapshot.ts";
import { blockedBy, type Finding, notInjected, unknownOutcome } from "./findings.ts";
import { applyInjectionPolicy } from "./injection-policy.ts";
import { calledInjectors } from "./injector-match.ts";
import { isRenderedGateway } from "./managed.ts";
import type { Injector, Mesh, Revision } from "./mesh.ts";
import { proxyImageFor } from "./proxy-image.ts";
import { predictRejection } from "./rejection.ts";
import { predictRenderedGateway } from "./rendered-gateway.ts";

/** The outcome for a new pod, by the rules of the API server and of istiod. */
export type Prediction =
  | InjectedPrediction
  /** The pod would start without a sidecar. */
  | { readonly kind: "none"; readonly finding: Finding }
  /** The API server would reject the pod. */
  | { readonly kind: "rejected"; readonly finding: Finding }
  | { readonly kind: "unknown"; readonly finding: Finding };

/** The pod would get a sidecar. */
export interface InjectedPrediction {
  readonly kind: "injected";
  readonly revision: string;
  readonly image: string;
  /** The image that the revision gives a pod without a pin; `undefined` if it is unknown. */
  readonly unpinned: string | undefined;
  readonly pin: Pin | undefined;
  /** True if the image is composed of the hub and the tag, which a ProxyConfig can change. */
  readonly composed: boolean;
  /** The source of the image, for example `configmap/istio-sidecar-injector-asm-1-27`. */
  readonly source: string;
}

/**
 * Predicts the outcome for the next pod that the workload's controller creates. For a gateway that
 * istiod renders, this is the next pod after istiod has rendered it.
 */
export function predictNewPod(
  workload: Workload,
  namespace: Namespace | undefined,
  mesh: Mesh,
): Prediction {
  const rendered = predictRendered(workload, mesh);
  if (rendered !== undefined) return rendered;
  if (namespace === undefined) return unknown(unknownOutcome.namespaceUnread(workload.namespace));
  const pod = newPodOf(workload);
  const prediction =
    pod === undefined
      ? unknown(unknownOutcome.ownerUnread(workload))
      : predictInjection(pod, namespace, mesh);
  const { malformed } = workload;
  return malformed === undefined || prediction.kind === "none"
    ? prediction
    : unknown(unknownOutcome.malformed(workload, malformed));
}

/**
 * Predicts the next pod of a gateway that istiod renders, once istiod has rendered it.
 *
 * @returns `undefined` for other workloads, and for a gateway whose image is unknown.
 */
export function predictRendered(workload: Workload, mesh: Mesh): Prediction | undefined {
  const proxy = isRenderedGateway(workload) ? predictRenderedGateway(workload, mesh) : undefined;
  if (proxy?.kind !== "rendered") return proxy;
  const { revision, image, source } = proxy;
  return {
    kind: "injected",
    revision,
    image,
    unpinned: image,
    pin: undefined,
    composed: false,
    source,
  };
}

/**
 * Predicts the outcome for a pod of the template by the objects in the cluster: the webhooks'
 * selectors, then istiod's own policy, then the image.
 * Rules: k8s.io/apiserver `plugin/webhook/mutating/dispatcher.go`; Istio `pkg/kube/inject/inject.go`
 * and `webhook.go`.
 */
export function predictInjection(
  template: PodTemplate,
  namespace: Namespace,
  mesh: Mesh,
): Prediction {
  const { injectors } = mesh;
  if (injectors === undefined) return unknown(unknownOutcome.webhooksUnread());
  const called = calledInjectors(template, namespace, injectors);
  const conditional = called.find(({ hasMatchConditions }) => hasMatchConditions);
  const prediction = predictBy(called, template, namespace, mesh);
  if (conditional === undefined) return prediction;
  const always = called.filter(({ hasMatchConditions }) => !hasMatchConditions);
  const without = predictBy(always, template, namespace, mesh);
  // A pod that opts out gets no sidecar, with and without those webhooks.
  if (prediction.kind === "none" && without.kind === "none") return prediction;
  return unknown(unknownOutcome.matchConditions(conditional.configuration));
}

/** Predicts the outcome if exactly these injectors are called. */
function predictBy(
  called: readonly Injector[],
  template: PodTemplate,
  namespace: Namespace,
  mesh: Mesh,
): Prediction {
  const blocking = called.find(
    ({ available, failurePolicy }) => available === false && failurePolicy === "Fail",
  );
  if (blocking) return { kind: "rejected", finding: blockedBy.unavailableWebhook(blocking) };
  // A revision's template replaces the template's own sidecar, or keeps it, depending on the list of
  // containers that it is in. Without a webhook, the sidecar stays as it is.
  // Rule: Istio `pkg/kube/inject/webhook.go`, `reapplyOverwrittenContainers`.
  if (isInjectedByHand(template)) return unknown(unknownOutcome.injectedByHand());
  const answering = called.filter(({ available }) => available !== false);
  if (answering.length === 0) {
    const [ignored] = called;
    const finding = ignored
      ? notInjected.unavailableWebhook(ignored)
      : notInjected.noWebhook(template, namespace, mesh);
    return { kind: "none", finding };
  }
  const resolved = resolveRevision(answering, mesh);
  return resolved.kind === "unknown"
    ? resolved
    : injectBy(resolved.revision, template, namespace, mesh);
}

type UnknownPrediction = Extract<Prediction, { kind: "unknown" }>;

/** Resolves the one revision that all the answering webhooks belong to. */
function resolveRevision(
  answering: readonly Injector[],
  mesh: Mesh,
): { readonly kind: "revision"; readonly revision: Revision } | UnknownPrediction {
  const unresolved = answering.find(({ revision }) => revision === undefined);
  if (unresolved) return unknown(unknownOutcome.noControlPlane(unresolved, mesh.istioNamespace));
  const [name = "", ...others] = new Set(answering.flatMap(({ revision }) => revision ?? []));
  if (others.length > 0) {
    return unknown(
      unknownOutcome.severalRevisions(answering.map(({ configuration }) => configuration)),
    );
  }
  const revision = mesh.revisions.get(name);
  return revision === undefined
    ? unknown(unknownOutcome.noConfigMap(name, mesh.istioNamespace))
    : { kind: "revision", revision };
}

function injectBy(
  revision: Revision,
  template: PodTemplate,
  namespace: Namespace,
  { istioNamespace }: Mesh,
): Prediction {
  const { name, source, config: parsed, meshImageType } = revision;
  if (parsed.kind === "malformed") {
    return unknown(unknownOutcome.badConfigMap(source, istioNamespace, parsed.problem));
  }
  const config = parsed.value;
  const policy = applyInjectionPolicy(revision, config, template, namespace);
  if (policy.kind !== "inject") return policy;
  if (template.windows) return { kind: "rejected", finding: blockedBy.windows(name) };

  const proxy = proxyImageFor(template, config, meshImageType);
  switch (proxy.kind) {
    case "rejected": {
      const finding = blockedBy.missingTemplate(proxy.template, proxy.known, source);
      return { kind: "rejected", finding };
    }
    case "unknown":
      return unknown(unknownOutcome.unknownTemplate(proxy.template, source));
    case "image": {
      const { image, unpinned, pin, composed } = proxy;
      const rejection = predictRejection(template, namespace, revision, config);
      return (
        rejection ?? { kind: "injected", revision: name, image, unpinned, pin, composed, source }
      );
    }
  }
}

function unknown(finding: Finding): UnknownPrediction {
  return { kind: "unknown", finding };
}
