import type { Namespace, PodTemplate } from "../snapshot.ts";
import { blockedBy, type Finding, undecided } from "./findings.ts";
import { minorVersion } from "./image.ts";
import type { InjectorConfig } from "./injector-config.ts";
import type { Revision } from "./mesh.ts";
import { templateNames } from "./proxy-image.ts";
import { NATIVE_SIDECAR, PROXY_CONFIG } from "../istio-labels.ts";

/** What is to be said of a pod that its injector would inject, and that would not come up so. */
export interface Rejection {
  readonly kind: "rejected" | "unknown";
  readonly finding: Finding;
}

/**
 * Why the API server would refuse a pod because of what injection adds to it, as far as that is
 * certain. What lies in the app's own containers is not looked at: they were admitted before.
 */
export function rejectionOf(
  template: PodTemplate,
  namespace: Namespace,
  revision: Revision,
  config: InjectorConfig,
): Rejection | undefined {
  const names = templateNames(template, config);
  const texts = names.map((name) => config.templates[name] ?? "");
  const level = namespace.labels[ENFORCE];
  if (level === "baseline" || level === "restricted") {
    const needs = offence(level, texts, template, revision, config);
    if (needs !== undefined) {
      const finding = blockedBy.podSecurity(namespace.name, level, needs, revision.source);
      return { kind: "rejected", finding };
    }
  }
  return twins(names, texts, template, revision);
}

const ENFORCE = "pod-security.kubernetes.io/enforce";

/**
 * What of the injected containers a level of PodSecurity does not allow.
 * Rules: k8s.io/pod-security-admission `policy/check_capabilities_baseline.go` and
 * `check_allowPrivilegeEscalation.go`.
 */
function offence(
  level: "baseline" | "restricted",
  texts: readonly string[],
  template: PodTemplate,
  revision: Revision,
  config: InjectorConfig,
): string | undefined {
  const init = texts.some((text) => bringsInit(text, config));
  if (init && interceptionOf(template, revision) === "redirect") {
    return "istio-init needs the capabilities NET_ADMIN and NET_RAW";
  }
  const silent = texts.some((text) => bringsProxy(text) && !text.includes("allowPrivilege"));
  // The template's own container of that name may say it itself.
  return level === "restricted" && silent && template.proxy?.confined !== true
    ? "istio-proxy is injected without allowPrivilegeEscalation=false"
    : undefined;
}

/** With Istio CNI there is `istio-validation` in its place, which needs nothing. */
function bringsInit(text: string, { values }: InjectorConfig): boolean {
  const isInit = /^ *- name: istio-init *$/m.test(text) && text.includes("NET_ADMIN");
  return isInit && !(values.cni && text.includes("- name: istio-validation"));
}

function bringsProxy(text: string): boolean {
  return /^ *- name: istio-proxy *$/m.test(text);
}

const MODE = "interceptionMode";

/** With the mode `NONE` there is no init container. */
function interceptionOf(
  { annotations }: PodTemplate,
  { meshNamesInterception }: Revision,
): "redirect" | "none" | "unclear" {
  const asked = annotations[`sidecar.istio.io/${MODE}`];
  if (asked !== undefined) return asked === "NONE" ? "none" : "redirect";
  const isNamed = meshNamesInterception || annotations[PROXY_CONFIG]?.includes(MODE);
  return isNamed === true ? "unclear" : "redirect";
}

/**
 * Templates are laid over each other by list: one that brings the proxy as a native sidecar, and one
 * that brings it as an ordinary container, make a pod with two containers of one name.
 */
function twins(
  names: readonly string[],
  texts: readonly string[],
  template: PodTemplate,
  revision: Revision,
): Rejection | undefined {
  const proxies = names.filter((_name, index) => bringsProxy(texts[index] ?? ""));
  const able = proxies.filter((name) => texts[names.indexOf(name)]?.includes("$nativeSidecar"));
  if (able.length === 0 || able.length === proxies.length) return undefined;
  const native = isNative(template, revision);
  if (native === false) return undefined;
  return native === true
    ? { kind: "rejected", finding: blockedBy.twinProxies(proxies, revision.source) }
    : { kind: "unknown", finding: undecided.twinProxies(proxies, revision.name) };
}

/**
 * Whether the proxy becomes a native sidecar; `undefined` where that depends on the nodes.
 * Rules: Istio `injection-template.yaml` (`$nativeSidecar`); `pilot/pkg/features/pilot.go`.
 */
function isNative({ annotations }: PodTemplate, { istiod }: Revision): boolean | undefined {
  // Go's `default` takes an empty value for none.
  const asked = annotations[NATIVE_SIDECAR] || istiod?.native;
  if (asked !== undefined && asked !== "auto") return asked !== "false";
  const [major = 0, minor = 0] = minorVersion(istiod?.image ?? "") ?? [];
  return asked === undefined && major === 1 && minor < 27 ? false : undefined;
}
