import { load as parseYaml } from "js-yaml";
import { type Pin, pinOf, type PodTemplate } from "../snapshot.ts";
import type { InjectorConfig } from "./injector-config.ts";
import {
  INJECTION_TEMPLATES,
  PROXY_CONFIG,
  PROXY_IMAGE,
  PROXY_IMAGE_TYPE,
} from "../istio-labels.ts";

/** The image that injection gives the container `istio-proxy`. */
export type ProxyImage =
  | {
      readonly kind: "image";
      readonly image: string;
      /** The image that the revision gives a pod without a pin. */
      readonly unpinned: string;
      readonly pin: Pin | undefined;
      /** True if the image is composed of the hub and the tag, which a ProxyConfig can change. */
      readonly composed: boolean;
    }
  /** The pod asks for an injection template that does not exist. */
  | { readonly kind: "rejected"; readonly template: string; readonly known: readonly string[] }
  /** The injection template sets the image in an unknown form. */
  | { readonly kind: "unknown"; readonly template: string };

/**
 * Applies the image rules of the injection templates to a pod template.
 * Rules: Istio `pkg/kube/inject/inject.go` (`ProxyImage`), `webhook.go`
 * (`reapplyOverwrittenContainers`), and the `image:` line of `injection-template.yaml`.
 *
 * @param meshImageType the image type in the mesh's `defaultConfig`; empty if it has none.
 */
export function proxyImageFor(
  template: PodTemplate,
  config: InjectorConfig,
  meshImageType: string,
): ProxyImage {
  const names = templateNames(template, config);
  const missing = names.find((name) => !Object.hasOwn(config.templates, name));
  if (missing !== undefined) {
    return { kind: "rejected", template: missing, known: Object.keys(config.templates) };
  }
  // Istio merges all templates in order: the last one that sets the image wins.
  const deciding = names.findLast((name) => expressionIn(config, name) !== undefined);
  const rule = RULES.get(expressionIn(config, deciding ?? "") ?? "");
  if (rule === undefined) return { kind: "unknown", template: deciding ?? names.join(",") };

  const compose = () => composedImage(template, config, meshImageType);
  const unpinned = rule(undefined, compose, config);
  const pin = pinOf(template);
  if (pin?.by === "container") {
    const image = template.proxy?.image ?? "";
    return { kind: "image", image, unpinned, pin, composed: false };
  }
  let composed = false;
  const composeAndNote = () => {
    composed = true;
    return compose();
  };
  const image = rule(template.annotations[PROXY_IMAGE], composeAndNote, config);
  return { kind: "image", image, unpinned, pin, composed };
}

/** The names of the injection templates for a pod, in the order in which Istio merges them. */
export function templateNames(template: PodTemplate, config: InjectorConfig): readonly string[] {
  const chosen = template.annotations[INJECTION_TEMPLATES]?.split(",").map((name) => name.trim());
  return (chosen ?? config.defaultTemplates).flatMap((name) =>
    Object.hasOwn(config.aliases, name) ? (config.aliases[name] ?? []) : [name],
  );
}

type ImageRule = (
  annotation: string | undefined,
  composed: () => string,
  config: InjectorConfig,
) => string;

const ANNOTATED = "annotation .ObjectMeta `sidecar.istio.io/proxyImage` .Values.global.proxy.image";

/** The rules by the known forms of an `image:` expression, with normalized whitespace. */
const RULES: ReadonlyMap<string, ImageRule> = new Map<string, ImageRule>([
  [
    // The sidecar template of every version, and the gateway template since 1.23.
    `{{- if contains "/" (${ANNOTATED}) }} image: "{{ ${ANNOTATED} }}" {{- else }} image: "{{ .ProxyImage }}" {{- end }}`,
    (annotation, composed, { values }) => {
      const value = annotation ?? values.proxyImage;
      return value.includes("/") ? value : composed();
    },
  ],
  [
    // The gateway template up to 1.22.
    `{{- if contains "/" .Values.global.proxy.image }} image: "{{ ${ANNOTATED} }}" {{- else }} image: "{{ .ProxyImage }}" {{- end }}`,
    (annotation, composed, { values }) =>
      values.proxyImage.includes("/") ? (annotation ?? values.proxyImage) : composed(),
  ],
  [`image: "{{ .ProxyImage }}"`, (_annotation, composed) => composed()],
]);

const NAMES_PROXY = /(?<![\w-])istio-proxy(?![\w-])/;
/** The line that adds the container in Istio's own templates. */
const OWN_FORM = /^ *- name: istio-proxy *$/;
/** The line that excludes the container from a loop in Istio's own templates. */
const OWN_LOOP = /eq \$container\.Name "istio-proxy"/;
/** A line with a Go template directive and nothing else. */
const DIRECTIVE = /^\{\{[^}]*\}\}$/;
/** The expression of every template that sets the image in an unknown form. */
const FOREIGN = "in a form that is not Istio's own";

/** A cache of expressions by template, because thousands of workloads use the same template. */
const expressions = new WeakMap<InjectorConfig, Map<string, string | undefined>>();

function expressionIn(config: InjectorConfig, name: string): string | undefined {
  const known = expressions.get(config) ?? new Map<string, string | undefined>();
  expressions.set(config, known);
  if (!known.has(name)) known.set(name, imageExpression(config.templates[name]));
  return known.get(name);
}

/**
 * Extracts the lines of a template that set the image of the container `istio-proxy`, with
 * normalized whitespace.
 *
 * @returns `undefined` if the template sets no image for the container; `FOREIGN` if the template
 *   adds the container, or sets its image, in another form than Istio's own templates.
 */
function imageExpression(text: string | undefined): string | undefined {
  const lines = (text ?? "").split("\n").filter((line) => !line.trim().startsWith("#"));
  const named = lines.filter((line) => NAMES_PROXY.test(line) && !OWN_LOOP.test(line));
  const [first] = named;
  if (first === undefined) return undefined;
  if (named.length > 1 || !OWN_FORM.test(first)) return FOREIGN;
  const block = containerBlock(lines.slice(lines.indexOf(first) + 1), first.indexOf("-")).map(
    (line) => line.trim(),
  );
  const imaged = block.filter((line) => !DIRECTIVE.test(line) && /\bimage["']? *:/.test(line));
  if (imaged.some((line) => !line.startsWith("image:"))) return FOREIGN;
  const image = block.findIndex((line) => line.startsWith("image:"));
  if (image < 0) return undefined;
  const open = block.slice(0, image).findLastIndex((line) => /^\{\{-? if /.test(line));
  if (open < 0) return normalize(block.slice(0, image + 1));
  const close = block.findIndex((line, index) => index > image && /^\{\{-? end -?\}\}$/.test(line));
  return normalize(block.slice(open, close < 0 ? undefined : close + 1));
}

/**
 * Returns the lines of one container: those before the first line that is not indented deeper than
 * the dash of the list. Template directives are ignored, because their indentation varies.
 */
function containerBlock(lines: readonly string[], dash: number): readonly string[] {
  const end = lines.findIndex(
    (line) => line.trim() !== "" && !line.trim().startsWith("{{") && line.search(/\S/) <= dash,
  );
  return end < 0 ? lines : lines.slice(0, end);
}

function normalize(lines: readonly string[]): string {
  return lines.join(" ").replace(/\s+/g, " ").trim();
}

/** Composes `{hub}/{name}:{tag}`, with the image type as a suffix of the tag. */
function composedImage(
  template: PodTemplate,
  { values }: InjectorConfig,
  meshImageType: string,
): string {
  const type =
    template.annotations[PROXY_IMAGE_TYPE] ??
    (imageTypeOf(template.annotations[PROXY_CONFIG]) || meshImageType || values.variant);
  return `${values.hub}/${values.proxyImage || "proxyv2"}:${withImageType(values.tag, type)}`;
}

function withImageType(tag: string, type: string): string {
  if (type === "") return tag;
  const plain = tag.replace(/-(?:distroless|debug)$/, "");
  return type === "default" ? plain : `${plain}-${type}`;
}

/** The value of `image.imageType` in a proxy configuration in YAML; empty if there is none. */
export function imageTypeOf(yaml: string | undefined): string {
  if (yaml === undefined) return "";
  try {
    const config = parseYaml(yaml) as { image?: { imageType?: unknown } } | null;
    const type = config?.image?.imageType;
    return typeof type === "string" ? type : "";
  } catch {
    return "";
  }
}
