import type { LabelRequirement, Namespace, Pin, PodTemplate } from "../snapshot.ts";
import { minorVersion } from "./image.ts";
import type { InjectorConfig } from "./injector-config.ts";
import type { Injector, Mesh, Revision } from "./mesh.ts";
import { proxyImageFor } from "./proxy-image.ts";
import { rejectionOf } from "./rejection.ts";
import { matchesSelector, unmetRequirements } from "../kubernetes/selector.ts";
import { type Finding, blockedBy, notInjected, undecided } from "./findings.ts";
import { INJECT } from "../istio-labels.ts";

/** What injection would do now to a new pod of a template. */
export type Prediction =
  | {
      readonly kind: "injected";
      readonly revision: string;
      readonly image: string;
      /** What the revision gives a pod that pins nothing; `undefined` where only a pin is known. */
      readonly unpinned: string | undefined;
      readonly pin: Pin | undefined;
      /** `configmap/istio-sidecar-injector-asm-1-27` */
      readonly source: string;
    }
  /** The pod would come up without a sidecar. */
  | { readonly kind: "none"; readonly finding: Finding }
  /** The API server would refuse the pod. */
  | { readonly kind: "rejected"; readonly finding: Finding }
  | { readonly kind: "unknown"; readonly finding: Finding };

/** Whether one injector is called for a pod, and by which requirements it is not. */
export interface InjectorMatch {
  readonly injector: Injector;
  readonly unmet: {
    readonly namespace: readonly LabelRequirement[];
    readonly template: readonly LabelRequirement[];
  };
  readonly called: boolean;
}

export function matchInjectors(
  template: PodTemplate,
  namespace: Namespace,
  injectors: readonly Injector[],
): readonly InjectorMatch[] {
  return injectors.map((injector) => {
    const unmet = {
      namespace: unmetRequirements(namespace.labels, injector.namespaceSelector),
      template: unmetRequirements(template.labels, injector.objectSelector),
    };
    return { injector, unmet, called: unmet.namespace.length + unmet.template.length === 0 };
  });
}

/**
 * Evaluates what is stored: the webhooks' selectors against the namespace and the pod template,
 * then istiod's own rules, then the image.
 * Rules: k8s.io/apiserver `plugin/webhook/mutating/dispatcher.go`; Istio `pkg/kube/inject/inject.go`
 * (`injectRequired`) and `webhook.go`.
 */
export function predictInjection(
  template: PodTemplate,
  namespace: Namespace,
  mesh: Mesh,
): Prediction {
  const { injectors } = mesh;
  if (injectors === undefined) return unknown(undecided.webhooksUnread());
  const called = matchInjectors(template, namespace, injectors).flatMap(
    ({ injector, called: isCalled }) => (isCalled ? [injector] : []),
  );
  const conditional = called.find((injector) => injector.hasMatchConditions);
  if (conditional) return unknown(undecided.matchConditions(conditional.configuration));

  const dead = called.find(
    ({ available, failurePolicy }) => available === false && failurePolicy === "Fail",
  );
  if (dead) return { kind: "rejected", finding: blockedBy.deadWebhook(dead) };
  const answering = called.filter(({ available }) => available !== false);
  if (answering.length === 0) {
    const [ignored] = called;
    return none(
      ignored ? notInjected.deadWebhook(ignored) : notInjected.noWebhook(template, namespace, mesh),
    );
  }
  const revision = decidingRevision(answering, mesh);
  return "kind" in revision ? revision : injectBy(revision, template, namespace);
}

function decidingRevision(
  answering: readonly Injector[],
  mesh: Mesh,
): Revision | Extract<Prediction, { kind: "unknown" }> {
  const foreign = answering.find(({ revision }) => revision === undefined);
  if (foreign) return unknown(undecided.noControlPlane(foreign, mesh.istioNamespace));
  const [name = "", ...others] = new Set(answering.flatMap(({ revision }) => revision ?? []));
  if (others.length > 0) {
    return unknown(undecided.severalRevisions(answering.map(({ configuration }) => configuration)));
  }
  return mesh.revisions.get(name) ?? unknown(undecided.noConfigMap(name, mesh.istioNamespace));
}

function injectBy(revision: Revision, template: PodTemplate, namespace: Namespace): Prediction {
  const { config } = revision;
  if (typeof config === "string") return unknown(undecided.badConfigMap(revision.source, config));
  const refusal = istiodRefusal(revision, config, template, namespace);
  if (refusal) return refusal;

  const proxy = proxyImageFor(template, config, revision.meshImageType);
  switch (proxy.kind) {
    case "rejected":
      return {
        kind: "rejected",
        finding: blockedBy.missingTemplate(proxy.template, proxy.known, revision.source),
      };
    case "unknown":
      return unknown(undecided.foreignTemplate(proxy.template, revision.source));
    case "image": {
      const { image, unpinned, pin } = proxy;
      const { name, source } = revision;
      const rejection = rejectionOf(template, namespace, revision, config);
      if (rejection !== undefined) return rejection;
      return { kind: "injected", revision: name, image, unpinned, pin, source };
    }
  }
}

/** Namespaces that istiod never injects: Istio `pkg/kube/inject/initializer.go`. */
const IGNORED_NAMESPACES = new Set([
  "kube-system",
  "kube-public",
  "kube-node-lease",
  "local-path-storage",
]);

/** Istio `injectRequired`: why istiod would leave the pod alone, or `undefined` where it injects. */
function istiodRefusal(
  revision: Revision,
  config: InjectorConfig,
  template: PodTemplate,
  namespace: Namespace,
): Prediction | undefined {
  if (template.hostNetwork) return none(notInjected.hostNetwork());
  if (IGNORED_NAMESPACES.has(namespace.name)) return none(notInjected.systemNamespace(namespace));

  const place = template.labels[INJECT] === undefined ? "annotation" : "label";
  const asked = template.labels[INJECT] ?? template.annotations[INJECT] ?? "";
  const wish = injectWish(asked, revision.istiod?.image);
  if (wish === "unclear") return unknown(undecided.injectValue(place, asked));
  if (wish === "no") return none(notInjected.optedOut(place, asked));
  if (wish === "yes") {
    return isPolicy(config.policy) ? undefined : none(notInjected.policy(revision.source));
  }
  const matches = (selectors: InjectorConfig["neverInject"]) =>
    selectors.some((selector) => !isEmpty(selector) && matchesSelector(template.labels, selector));
  if (matches(config.neverInject)) return none(notInjected.neverSelector(revision.source));
  if (matches(config.alwaysInject) && isPolicy(config.policy)) return undefined;
  return config.policy === "enabled" ? undefined : none(notInjected.policy(revision.source));
}

/** Any policy but these two never injects. */
function isPolicy(policy: string): boolean {
  return policy === "enabled" || policy === "disabled";
}

function isEmpty(selector: InjectorConfig["neverInject"][number]): boolean {
  return (
    Object.keys(selector.matchLabels ?? {}).length === 0 &&
    (selector.matchExpressions ?? []).length === 0
  );
}

/**
 * What the `sidecar.istio.io/inject` value means. Since istiod 1.27 only `true` and `false` count
 * and anything else is the default (istio/istio#56737); before, `yes`, `on` and `y` meant true and
 * the rest false. Where the version of istiod cannot be read, the odd values stay unclear.
 */
function injectWish(
  value: string,
  istiodImage: string | undefined,
): "yes" | "no" | "default" | "unclear" {
  if (value === "") return "default";
  if (value === "true") return "yes";
  if (value === "false") return "no";
  const version = istiodImage === undefined ? undefined : minorVersion(istiodImage);
  if (version === undefined) return "unclear";
  const [major, minor] = version;
  if (major > 1 || minor >= 27) return "default";
  return ["y", "yes", "true", "on"].includes(value.toLowerCase()) ? "yes" : "no";
}

function none(finding: Finding): Prediction {
  return { kind: "none", finding };
}

function unknown(finding: Finding): Extract<Prediction, { kind: "unknown" }> {
  return { kind: "unknown", finding };
}
