import { isObject } from "../json-object.ts";
import { load as parseYaml } from "js-yaml";
import type { Labels, LabelSelector } from "../snapshot.ts";
import { formatGoNumber } from "./go-number.ts";

/**
 * What one `istio-sidecar-injector*` ConfigMap says, as far as it decides the image.
 * Shapes: Istio `pkg/kube/inject/webhook.go`, `Config` and `ValuesConfig`.
 */
export interface InjectorConfig {
  readonly policy: string;
  readonly defaultTemplates: readonly string[];
  /** Go template text by name. */
  readonly templates: Readonly<Record<string, string>>;
  /** Names that stand for several templates. */
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  readonly neverInject: readonly LabelSelector[];
  readonly alwaysInject: readonly LabelSelector[];
  readonly values: {
    readonly hub: string;
    readonly tag: string;
    readonly variant: string;
    /** `global.proxy.image`: on AKS the whole reference, upstream the last part of the name. */
    readonly proxyImage: string;
    /** Istio CNI does what `istio-init` would; `istio_cni.enabled` up to 1.23. */
    readonly cni: boolean;
  };
}

/**
 * Reads the ConfigMap's two keys, `config` (YAML) and `values` (JSON).
 *
 * @returns the configuration, or one phrase that says what is wrong with the ConfigMap.
 */
export function parseInjectorConfig(data: Labels): InjectorConfig | string {
  const values = parseValues(data["values"]);
  if (typeof values === "string") return values;
  const config = parseConfig(data["config"]);
  return typeof config === "string" ? config : { ...config, values };
}

function parseValues(text: string | undefined): InjectorConfig["values"] | string {
  if (text === undefined) return "it has no key `values`";
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return "its `values` are not JSON";
  }
  const global = objectAt(root, "global");
  if (global === undefined) return "its `values` have no `global`";
  const tag = global["tag"];
  return {
    hub: textOf(global["hub"]),
    tag: typeof tag === "number" ? formatGoNumber(tag) : textOf(tag),
    variant: textOf(global["variant"]),
    proxyImage: textOf(objectAt(global, "proxy")?.["image"]),
    cni: [objectAt(objectAt(root, "pilot"), "cni"), objectAt(root, "istio_cni")].some(
      (cni) => cni?.["enabled"] === true,
    ),
  };
}

function parseConfig(text: string | undefined): Omit<InjectorConfig, "values"> | string {
  if (text === undefined) return "it has no key `config`";
  let root: unknown;
  try {
    root = parseYaml(text);
  } catch {
    return "its `config` is not YAML";
  }
  if (!isObject(root)) return "its `config` is not a mapping";
  const neverInject = selectorsOf(root["neverInjectSelector"]);
  const alwaysInject = selectorsOf(root["alwaysInjectSelector"]);
  if (neverInject === undefined || alwaysInject === undefined) {
    return "its `config` has a selector that is none";
  }
  return {
    policy: textOf(root["policy"]),
    defaultTemplates: textsOf(root["defaultTemplates"]) ?? ["sidecar"],
    templates: Object.fromEntries(
      Object.entries(objectAt(root, "templates") ?? {}).map(([name, body]) => [name, textOf(body)]),
    ),
    aliases: Object.fromEntries(
      Object.entries(objectAt(root, "aliases") ?? {}).map(([name, to]) => [
        name,
        textsOf(to) ?? [],
      ]),
    ),
    neverInject,
    alwaysInject,
  };
}

function objectAt(value: unknown, key: string): Readonly<Record<string, unknown>> | undefined {
  const child = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return isObject(child) ? child : undefined;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function textsOf(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.length > 0 ? value.map(textOf) : undefined;
}

/** `undefined` where istiod could not read them either; those that it skips as invalid are left out. */
function selectorsOf(value: unknown): readonly LabelSelector[] | undefined {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) && value.every(isSelector) ? value.filter(isValid) : undefined;
}

function isSelector(value: unknown): value is LabelSelector {
  if (!isObject(value)) return false;
  const { matchLabels = {}, matchExpressions = [] } = value;
  return (
    isObject(matchLabels) &&
    Object.values(matchLabels).every((label) => typeof label === "string") &&
    Array.isArray(matchExpressions) &&
    matchExpressions.every(isRequirement)
  );
}

function isRequirement(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { key, operator, values = [] } = value;
  return (
    typeof key === "string" &&
    typeof operator === "string" &&
    Array.isArray(values) &&
    values.every((entry) => typeof entry === "string")
  );
}

/** k8s.io/apimachinery `pkg/util/validation/validation.go`. */
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/;
const LABEL_KEY = /^(?:[a-z0-9][a-z0-9.-]*\/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;

/** k8s.io/apimachinery `pkg/labels/selector.go`, `NewRequirement`. */
function isValid({ matchExpressions = [] }: LabelSelector): boolean {
  return matchExpressions.every(({ key, operator, values = [] }) => {
    if (!LABEL_KEY.test(key) || !values.every((value) => LABEL_VALUE.test(value))) return false;
    if (operator === "In" || operator === "NotIn") return values.length > 0;
    return (operator === "Exists" || operator === "DoesNotExist") && values.length === 0;
  });
}
