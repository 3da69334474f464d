import { load as parseYaml } from "js-yaml";
import { isObject } from "../json-object.ts";
import type { Labels, LabelSelector } from "../snapshot.ts";

/**
 * The part of an `istio-sidecar-injector*` ConfigMap that decides injection and the image.
 * Fields: Istio `pkg/kube/inject/webhook.go`, `Config` and `ValuesConfig`.
 */
export interface InjectorConfig {
  readonly policy: string;
  readonly defaultTemplates: readonly string[];
  /** Go template text by name. */
  readonly templates: Readonly<Record<string, string>>;
  /** Lists of template names, by alias. */
  readonly aliases: Readonly<Record<string, readonly string[]>>;
  readonly neverInject: readonly LabelSelector[];
  readonly alwaysInject: readonly LabelSelector[];
  readonly values: {
    readonly hub: string;
    readonly tag: string;
    readonly variant: string;
    /** `global.proxy.image`: on AKS a complete image reference, in Istio's charts only a name. */
    readonly proxyImage: string;
    /** True if Istio CNI replaces `istio-init`. The key is `istio_cni.enabled` up to 1.23. */
    readonly cni: boolean;
  };
}

/** The result of parsing the ConfigMap or a part of it. */
export type Parsed<Value> =
  | { readonly kind: "parsed"; readonly value: Value }
  /** `problem` is a sentence about the ConfigMap ("it has no key `values`"). */
  | { readonly kind: "malformed"; readonly problem: string };

/** Parses the ConfigMap's two keys, `config` (YAML) and `values` (JSON). */
export function parseInjectorConfig(data: Labels): Parsed<InjectorConfig> {
  const values = parseValues(data["values"]);
  if (values.kind === "malformed") return values;
  const config = parseConfig(data["config"]);
  return config.kind === "malformed" ? config : parsed({ ...config.value, values: values.value });
}

function parsed<Value>(value: Value): Parsed<Value> {
  return { kind: "parsed", value };
}

function malformed(problem: string): Parsed<never> {
  return { kind: "malformed", problem };
}

function parseValues(text: string | undefined): Parsed<InjectorConfig["values"]> {
  if (text === undefined) return malformed("it has no key `values`");
  let root: unknown;
  try {
    root = JSON.parse(text);
  } catch {
    return malformed("its `values` are not JSON");
  }
  const global = objectAt(root, "global");
  if (global === undefined) return malformed("its `values` have no `global`");
  const tag = global["tag"];
  return parsed({
    hub: textOf(global["hub"]),
    tag: typeof tag === "number" ? formatGoNumber(tag) : textOf(tag),
    variant: textOf(global["variant"]),
    proxyImage: textOf(objectAt(global, "proxy")?.["image"]),
    cni: [objectAt(objectAt(root, "pilot"), "cni"), objectAt(root, "istio_cni")].some(
      (cni) => cni?.["enabled"] === true,
    ),
  });
}

/**
 * Formats a number as Go's `%v` does, because Helm passes JSON numbers to istiod as `float64`: the
 * tag `1.30` becomes `1.3`, and `20240626` becomes `2.0240626e+07`.
 * Rule: Go's `strconv.FormatFloat(f, 'g', -1, 64)` writes exponents below -4 and from 6 on.
 */
export function formatGoNumber(value: number): string {
  const [digits = "", exponent = "0"] = value.toExponential().split("e");
  const power = Number(exponent);
  if (power >= -4 && power < 6) return String(value);
  return `${digits}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}

function parseConfig(text: string | undefined): Parsed<Omit<InjectorConfig, "values">> {
  if (text === undefined) return malformed("it has no key `config`");
  let root: unknown;
  try {
    root = parseYaml(text);
  } catch {
    return malformed("its `config` is not YAML");
  }
  if (!isObject(root)) return malformed("its `config` is not a mapping");
  const neverInject = selectorsOf(root["neverInjectSelector"]);
  const alwaysInject = selectorsOf(root["alwaysInjectSelector"]);
  if (neverInject === undefined || alwaysInject === undefined) {
    return malformed("its `config` has a selector that is none");
  }
  return parsed({
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
  });
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

/**
 * Reads a list of selectors, without those that istiod ignores as invalid.
 *
 * @returns `undefined` if istiod could not read the list either.
 */
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

/** Rules: k8s.io/apimachinery `pkg/util/validation/validation.go`. */
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?)?$/;
const LABEL_KEY = /^(?:[a-z0-9][a-z0-9.-]*\/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;

/** Rule: k8s.io/apimachinery `pkg/labels/selector.go`, `NewRequirement`. */
function isValid({ matchExpressions = [] }: LabelSelector): boolean {
  return matchExpressions.every(({ key, operator, values = [] }) => {
    if (!LABEL_KEY.test(key) || !values.every((value) => LABEL_VALUE.test(value))) return false;
    if (operator === "In" || operator === "NotIn") return values.length > 0;
    return (operator === "Exists" || operator === "DoesNotExist") && values.length === 0;
  });
}
