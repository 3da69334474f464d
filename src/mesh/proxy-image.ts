import { load as parseYaml } from "js-yaml";
import { type Pin, pinOf, type PodTemplate } from "../snapshot.ts";
import type { InjectorConfig } from "./injector-config.ts";
import {
  INJECTION_TEMPLATES,
  PROXY_CONFIG,
  PROXY_IMAGE,
  PROXY_IMAGE_TYPE,
} from "../istio-labels.ts";

/** The image that injection would give `istio-proxy`, or why that cannot be told. */
export type ProxyImage =
  | {
      readonly kind: "image";
      readonly image: string;
      /** What the revision gives a pod that pins nothing. */
      readonly unpinned: string;
      readonly pin: Pin | undefined;
    }
  | { readonly kind: "rejected"; readonly template: string; readonly known: readonly string[] }
  | { readonly kind: "unknown"; readonly template: string };

/**
 * Applies the injection templates' image rules to a pod template.
 * Rules: Istio `pkg/kube/inject/inject.go` (`ProxyImage`), `webhook.go`
 * (`reapplyOverwrittenContainers`), and the `image:` line of `injection-template.yaml`.
 *
 * @param meshImageType image type of the mesh's `defaultConfig`; empty where it names none.
 */
export function proxyImageFor(
  template: PodTemplate,
  config: InjectorConfig,
  meshImageType: string,
): ProxyImage {
  const names = templateNames(template, config);
  const unknown = names.find((name) => !Object.hasOwn(config.templates, name));
  if (unknown !== undefined) {
    return { kind: "rejected", template: unknown, known: Object.keys(config.templates) };
  }
  // All templates are laid over each other: the last that names the container's image wins.
  const deciding = names.findLast((name) => expressionIn(config, name) !== undefined);
  const rule = RULES.get(expressionIn(config, deciding ?? "") ?? "");
  if (rule === undefined) return { kind: "unknown", template: deciding ?? names.join(",") };

  const unpinned = rule(undefined, () => composedImage(template, config, meshImageType), config);
  const pin = pinOf(template);
  if (pin?.by === "container") {
    return { kind: "image", image: template.proxy?.image ?? "", unpinned, pin };
  }
  const annotation = template.annotations[PROXY_IMAGE];
  const image = rule(annotation, () => composedImage(template, config, meshImageType), config);
  return { kind: "image", image, unpinned, pin };
}

/** The templates that a pod is injected with, in their order. */
export function templateNames(template: PodTemplate, config: InjectorConfig): readonly string[] {
  const asked = template.annotations[INJECTION_TEMPLATES]?.split(",").map((name) => name.trim());
  return (asked ?? config.defaultTemplates).flatMap((name) =>
    Object.hasOwn(config.aliases, name) ? (config.aliases[name] ?? []) : [name],
  );
}

type ImageRule = (
  annotation: string | undefined,
  composed: () => string,
  config: InjectorConfig,
) => string;

const ANNOTATED = "annotation .ObjectMeta `sidecar.istio.io/proxyImage` .Values.global.proxy.image";

/** The known forms of the image's expression, whitespace normalized. */
const RULES: ReadonlyMap<string, ImageRule> = new Map<string, ImageRule>([
  [
    // The sidecar template of every version, and the gateway template from 1.23 on.
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
/** How Istio's own templates name the container, and how they leave it out of a loop. */
const OWN_FORM = /^ *- name: istio-proxy *$/;
const OWN_LOOP = /eq \$container\.Name "istio-proxy"/;
/** A line that is nothing but one directive of Go's. */
const DIRECTIVE = /^\{\{[^}]*\}\}$/;
const FOREIGN = "in a form that is not Istio's own";

/** A template is read once, though thousands of workloads ask for it. */
const expressions = new WeakMap<InjectorConfig, Map<string, string | undefined>>();

function expressionIn(config: InjectorConfig, name: string): string | undefined {
  const known = expressions.get(config) ?? new Map<string, string | undefined>();
  expressions.set(config, known);
  if (!known.has(name)) known.set(name, imageExpression(config.templates[name]));
  return known.get(name);
}

/**
 * The lines of a template that set the image of the container `istio-proxy`, whitespace normalized.
 *
 * @returns `undefined` where the template sets no image for it; a text that is no known form where
 *   the container, or its image, stands there in another form than Istio's own.
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

/** Up to the next line that stands no deeper than the list's dash, directives of Go aside. */
function containerBlock(lines: readonly string[], dash: number): readonly string[] {
  const end = lines.findIndex(
    (line) => line.trim() !== "" && !line.trim().startsWith("{{") && line.search(/\S/) <= dash,
  );
  return end < 0 ? lines : lines.slice(0, end);
}

function normalize(lines: readonly string[]): string {
  return lines.join(" ").replace(/\s+/g, " ").trim();
}

/** `{hub}/{name}:{tag}` with the image type's suffix. */
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

/** `image.imageType` of a proxy configuration in YAML; empty where there is none. */
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
