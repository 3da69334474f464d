import { INJECT } from "../istio-labels.ts";
import { matchesSelector } from "../kubernetes/selector.ts";
import type { Namespace, PodTemplate } from "../snapshot.ts";
import { type Finding, notInjected, unknownOutcome } from "./findings.ts";
import { minorVersion } from "./image.ts";
import type { InjectorConfig } from "./injector-config.ts";
import type { Revision } from "./mesh.ts";

/** Istiod's own decision about a pod for which the API server calls its webhook. */
export type PolicyDecision =
  | { readonly kind: "inject" }
  | { readonly kind: "none" | "unknown"; readonly finding: Finding };

/** Namespaces that istiod never injects: Istio `pkg/kube/inject/initializer.go`. */
const IGNORED_NAMESPACES = new Set([
  "kube-system",
  "kube-public",
  "kube-node-lease",
  "local-path-storage",
]);

/**
 * Decides as istiod does whether to inject a pod of the template.
 * Rule: Istio `pkg/kube/inject/inject.go`, `injectRequired`.
 */
export function applyInjectionPolicy(
  revision: Revision,
  config: InjectorConfig,
  template: PodTemplate,
  namespace: Namespace,
): PolicyDecision {
  if (template.hostNetwork) return none(notInjected.hostNetwork());
  if (IGNORED_NAMESPACES.has(namespace.name)) return none(notInjected.systemNamespace(namespace));

  const place = template.labels[INJECT] === undefined ? "annotation" : "label";
  const value = template.labels[INJECT] ?? template.annotations[INJECT] ?? "";
  const request = injectRequest(value, revision.istiod?.image);
  if (request === "unclear") {
    return { kind: "unknown", finding: unknownOutcome.injectValue(place, value) };
  }
  if (request === "no") return none(notInjected.optedOut(place, value));
  if (request === "yes") {
    return isKnownPolicy(config.policy) ? INJECT_POD : none(notInjected.policy(revision.source));
  }
  const matches = (selectors: InjectorConfig["neverInject"]) =>
    selectors.some((selector) => !isEmpty(selector) && matchesSelector(template.labels, selector));
  if (matches(config.neverInject)) return none(notInjected.neverSelector(revision.source));
  if (matches(config.alwaysInject) && isKnownPolicy(config.policy)) return INJECT_POD;
  return config.policy === "enabled" ? INJECT_POD : none(notInjected.policy(revision.source));
}

const INJECT_POD: PolicyDecision = { kind: "inject" };

function none(finding: Finding): PolicyDecision {
  return { kind: "none", finding };
}

/** Istiod injects nothing under any other policy. */
function isKnownPolicy(policy: string): boolean {
  return policy === "enabled" || policy === "disabled";
}

function isEmpty(selector: InjectorConfig["neverInject"][number]): boolean {
  return (
    Object.keys(selector.matchLabels ?? {}).length === 0 &&
    (selector.matchExpressions ?? []).length === 0
  );
}

/**
 * Interprets the value of `sidecar.istio.io/inject`. Istiod 1.27 and later accept only `true` and
 * `false`, and treat other values as absent (istio/istio#56737). Earlier versions also accept
 * `yes`, `on` and `y` for true, and treat the rest as false. If the version is unknown, values
 * other than `true` and `false` are unclear.
 */
function injectRequest(
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
