import type { Namespace, PodTemplate } from "../snapshot.ts";
import { blockedBy, type Finding, unknownOutcome } from "./findings.ts";
import { minorVersion } from "./image.ts";
import type { InjectorConfig } from "./injector-config.ts";
import type { Revision } from "./mesh.ts";
import { templateNames } from "./proxy-image.ts";
import { NATIVE_SIDECAR, PROXY_CONFIG } from "../istio-labels.ts";

/** The prediction for a pod that the API server rejects, or may reject, after injection. */
export interface Rejection {
  readonly kind: "rejected" | "unknown";
  readonly finding: Finding;
}

/**
 * Predicts the rejection of a pod because of the containers that injection adds to it. The rules
 * ignore the workload's own containers, which the API server admitted before.
 *
 * @returns `undefined` if no rule predicts a rejection.
 */
export function predictRejection(
  template: PodTemplate,
  namespace: Namespace,
  revision: Revision,
  config: InjectorConfig,
): Rejection | undefined {
  const names = templateNames(template, config);
  const texts = names.map((name) => config.templates[name] ?? "");
  const level = namespace.labels[POD_SECURITY_ENFORCE];
  if (level === "baseline" || level === "restricted") {
    const violation = podSecurityViolation(level, texts, template, revision, config);
    if (violation !== undefined) {
      const finding = blockedBy.podSecurity(namespace.name, level, violation, revision.source);
      return { kind: "rejected", finding };
    }
  }
  return duplicateProxy(names, texts, template, revision);
}

/** The label of namespaces that names the level of PodSecurity. */
export const POD_SECURITY_ENFORCE = "pod-security.kubernetes.io/enforce";

/**
 * Describes how the injected containers violate a level of PodSecurity; `undefined` if they comply.
 * Rules: k8s.io/pod-security-admission `policy/check_capabilities_baseline.go` and
 * `check_allowPrivilegeEscalation.go`.
 */
function podSecurityViolation(
  level: "baseline" | "restricted",
  texts: readonly string[],
  template: PodTemplate,
  revision: Revision,
  config: InjectorConfig,
): string | undefined {
  const addsInit = texts.some((text) => addsInitContainer(text, config));
  if (addsInit && interceptionOf(template, revision) === "redirect") {
    return "istio-init needs the capabilities NET_ADMIN and NET_RAW";
  }
  const lacksSetting = texts.some((text) => addsProxy(text) && !text.includes("allowPrivilege"));
  // The pod template's own container istio-proxy may have the setting.
  return level === "restricted" && lacksSetting && template.proxy?.confined !== true
    ? "istio-proxy is injected without allowPrivilegeEscalation=false"
    : undefined;
}

/**
 * True if the injection template adds `istio-init`. With Istio CNI it adds `istio-validation`
 * instead, which needs no capabilities.
 */
function addsInitContainer(text: string, { values }: InjectorConfig): boolean {
  const hasInit = /^ *- name: istio-init *$/m.test(text) && text.includes("NET_ADMIN");
  return hasInit && !(values.cni && text.includes("- name: istio-validation"));
}

function addsProxy(text: string): boolean {
  return /^ *- name: istio-proxy *$/m.test(text);
}

const MODE = "interceptionMode";

/** The interception mode of a pod. In the mode `NONE`, injection adds no init container. */
function interceptionOf(
  { annotations }: PodTemplate,
  { meshNamesInterception }: Revision,
): "redirect" | "none" | "unclear" {
  const mode = annotations[`sidecar.istio.io/${MODE}`];
  if (mode !== undefined) return mode === "NONE" ? "none" : "redirect";
  const isConfigured = meshNamesInterception || annotations[PROXY_CONFIG]?.includes(MODE);
  return isConfigured === true ? "unclear" : "redirect";
}

/**
 * Predicts a pod with two containers `istio-proxy`, which the API server rejects: one injection
 * template adds it as a native sidecar, another one as an ordinary container. Istio merges each
 * list of containers separately.
 */
function duplicateProxy(
  names: readonly string[],
  texts: readonly string[],
  template: PodTemplate,
  revision: Revision,
): Rejection | undefined {
  const proxies = names.filter((_name, index) => addsProxy(texts[index] ?? ""));
  const lists = texts.filter(addsProxy).map(listOfProxy);
  const collides = (native: boolean) =>
    new Set(lists.map((list) => (list === "by-setting" ? native : list === "initContainers")))
      .size > 1;
  const native = isNative(template, revision);
  const outcomes = native === undefined ? [collides(true), collides(false)] : [collides(native)];
  if (!outcomes.includes(true)) return undefined;
  return outcomes.includes(false)
    ? { kind: "unknown", finding: unknownOutcome.duplicateProxy(proxies, revision.name) }
    : { kind: "rejected", finding: blockedBy.duplicateProxy(proxies, revision.source) };
}

/**
 * The list of containers to which an injection template adds the proxy. Istio's own sidecar template
 * decides `by-setting` whether the proxy is native.
 */
function listOfProxy(text: string): "by-setting" | "initContainers" | "containers" {
  if (text.includes("$nativeSidecar")) return "by-setting";
  const lines = text.split("\n");
  const before = lines.slice(
    0,
    lines.findIndex((line) => addsProxy(line)),
  );
  const heading = before.findLast((line) => /^ *(?:initContainers|containers): *$/.test(line));
  return heading?.trim() === "initContainers:" ? "initContainers" : "containers";
}

/**
 * True if injection makes the proxy a native sidecar; `undefined` if that depends on the nodes.
 * Rules: Istio `injection-template.yaml` (`$nativeSidecar`); `pilot/pkg/features/pilot.go`.
 */
function isNative({ annotations }: PodTemplate, { istiod }: Revision): boolean | undefined {
  // Go's `default` treats an empty value as absent.
  const setting = annotations[NATIVE_SIDECAR] || istiod?.native;
  if (setting !== undefined && setting !== "auto") return setting !== "false";
  const [major = 0, minor = 0] = minorVersion(istiod?.image ?? "") ?? [];
  return setting === undefined && major === 1 && minor < 27 ? false : undefined;
}
