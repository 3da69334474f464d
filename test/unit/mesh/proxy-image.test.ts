import { describe, expect, test } from "vitest";
import { type InjectorConfig, parseInjectorConfig } from "../../../src/mesh/injector-config.ts";
import { imageTypeOf, proxyImageFor } from "../../../src/mesh/proxy-image.ts";
import {
  type ConfigOptions,
  injectorConfigMap,
  OLD_GATEWAY_TEMPLATE,
  type ValuesOptions,
} from "../../support/build/injector-config.ts";
import { podTemplate, type TemplateOptions } from "../../support/build/workload.ts";

const AKS = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.27.9-6";
const WHOLE: ValuesOptions = { image: AKS };
const PARTS: ValuesOptions = { hub: "docker.io/istio", tag: "1.31.0" };
const IMAGE = "sidecar.istio.io/proxyImage";
const TYPE = "sidecar.istio.io/proxyImageType";
const PROXY_CONFIG = "proxy.istio.io/config";
const TEMPLATES = "inject.istio.io/templates";

function read(values: ValuesOptions, config: ConfigOptions = {}): InjectorConfig {
  const parsed = parseInjectorConfig(injectorConfigMap(config, values));
  if (parsed.kind === "malformed") throw new Error(parsed.problem);
  return parsed.value;
}

function imageOf(template: TemplateOptions, values: ValuesOptions, meshImageType = ""): unknown {
  const result = proxyImageFor(podTemplate(template), read(values), meshImageType);
  return result.kind === "image" ? result.image : result;
}

describe("the image without a pin", () => {
  test.each<[what: string, values: ValuesOptions, image: string]>([
    ["is global.proxy.image, verbatim, if the value has a slash", WHOLE, AKS],
    ["keeps a digest", { image: `${AKS}@sha256:ab` }, `${AKS}@sha256:ab`],
    [
      "ignores hub, tag and variant if global.proxy.image is a complete reference",
      { ...PARTS, ...WHOLE, variant: "distroless" },
      AKS,
    ],
    ["is composed of hub, name and tag", PARTS, "docker.io/istio/proxyv2:1.31.0"],
    [
      "takes its name from global.proxy.image",
      { ...PARTS, image: "proxyv2-fips" },
      "docker.io/istio/proxyv2-fips:1.31.0",
    ],
    [
      "is named proxyv2 if global.proxy.image is empty",
      { ...PARTS, image: "" },
      "docker.io/istio/proxyv2:1.31.0",
    ],
    ["has a numeric tag in Go's notation", { hub: "h", tag: 1.3 }, "h/proxyv2:1.3"],
    [
      "has a long numeric tag with an exponent",
      { hub: "h", tag: 20_240_626 },
      "h/proxyv2:2.0240626e+07",
    ],
    ["ends in a colon without a tag", { hub: "h/x", tag: "" }, "h/x/proxyv2:"],
    ["begins with a slash without a hub", { hub: "", tag: "1" }, "/proxyv2:1"],
    [
      "has the variant as a suffix",
      { ...PARTS, variant: "debug" },
      "docker.io/istio/proxyv2:1.31.0-debug",
    ],
    [
      "has the variant only once",
      { hub: "h", tag: "1.31.0-distroless", variant: "distroless" },
      "h/proxyv2:1.31.0-distroless",
    ],
    [
      "replaces the variant of the tag",
      { hub: "h", tag: "1.31.0-distroless", variant: "debug" },
      "h/proxyv2:1.31.0-debug",
    ],
    [
      "loses only the last variant of the tag",
      { hub: "h", tag: "1-debug-distroless", variant: "default" },
      "h/proxyv2:1-debug",
    ],
    [
      "keeps the variant of the tag if no variant is set",
      { hub: "h", tag: "1-debug" },
      "h/proxyv2:1-debug",
    ],
    [
      "has the variant even after a digest",
      { hub: "h", tag: "1@sha256:ab", variant: "x" },
      "h/proxyv2:1@sha256:ab-x",
    ],
  ])("%s", (_what, values, image) => {
    expect(imageOf({}, values)).toBe(image);
  });
});

describe("the image type", () => {
  const VARIANT: ValuesOptions = { hub: "h", tag: "1", variant: "variant" };
  const imageType = (type: string) => `{"image":{"imageType":"${type}"}}`;

  test.each<[what: string, annotations: Record<string, string>, mesh: string, image: string]>([
    ["comes from the variant if nothing else sets it", {}, "", "h/proxyv2:1-variant"],
    ["comes from the mesh rather than the variant", {}, "mesh", "h/proxyv2:1-mesh"],
    [
      "comes from the pod's proxy config rather than the mesh",
      { [PROXY_CONFIG]: imageType("config") },
      "mesh",
      "h/proxyv2:1-config",
    ],
    [
      "comes from the annotation rather than anything else",
      { [TYPE]: "own", [PROXY_CONFIG]: imageType("config") },
      "mesh",
      "h/proxyv2:1-own",
    ],
    ["is absent if the annotation is empty", { [TYPE]: "" }, "mesh", "h/proxyv2:1"],
    ["is absent if the annotation is default", { [TYPE]: "default" }, "mesh", "h/proxyv2:1"],
    ["ignores a proxy config that is not YAML", { [PROXY_CONFIG]: "{" }, "", "h/proxyv2:1-variant"],
    [
      "ignores a proxy config of another shape",
      { [PROXY_CONFIG]: "image: 5" },
      "",
      "h/proxyv2:1-variant",
    ],
    [
      "comes from the mesh if it is empty in the proxy config",
      { [PROXY_CONFIG]: "image: {imageType: ''}" },
      "mesh",
      "h/proxyv2:1-mesh",
    ],
  ])("%s", (_what, annotations, mesh, image) => {
    expect(imageOf({ annotations }, VARIANT, mesh)).toBe(image);
  });

  test("changes nothing if the image is a complete reference", () => {
    expect(imageOf({ annotations: { [TYPE]: "debug" } }, WHOLE, "distroless")).toBe(AKS);
  });

  test.each([
    [undefined, ""],
    ["", ""],
    ["null", ""],
    ["[]", ""],
    ["a: b: c", ""],
    ["image: {imageType: 7}", ""],
    ["image:\n  imageType: distroless\nconcurrency: 2", "distroless"],
  ])("of the proxy config %j is %j", (yaml, type) => {
    expect(imageTypeOf(yaml)).toBe(type);
  });
});

describe("a pin", () => {
  test.each<
    [what: string, template: TemplateOptions, values: ValuesOptions, image: string, by: string]
  >([
    [
      "by annotation takes precedence over the revision's image",
      { annotations: { [IMAGE]: "x/p:9" } },
      WHOLE,
      "x/p:9",
      "annotation",
    ],
    [
      "by annotation takes precedence over hub and tag",
      { annotations: { [IMAGE]: "x/p:9" } },
      PARTS,
      "x/p:9",
      "annotation",
    ],
    [
      "by container takes precedence over the revision's image",
      { proxy: { image: "custom:1" } },
      WHOLE,
      "custom:1",
      "container",
    ],
    [
      "by container takes precedence over one by annotation",
      { proxy: { image: "custom:1" }, annotations: { [IMAGE]: "x/p:9" } },
      WHOLE,
      "custom:1",
      "container",
    ],
    [
      "by annotation counts if the container's image is auto",
      { proxy: { image: "auto" }, annotations: { [IMAGE]: "x/p:9" } },
      WHOLE,
      "x/p:9",
      "annotation",
    ],
  ])("%s", (_what, template, values, image, by) => {
    expect(proxyImageFor(podTemplate(template), read(values), "")).toMatchObject({
      kind: "image",
      image,
      pin: { by },
    });
  });

  test.each<TemplateOptions>([{}, { proxy: { image: "auto" } }, { proxy: { image: "" } }])(
    "is absent in %j",
    (template) => {
      expect(proxyImageFor(podTemplate(template), read(WHOLE), "")).toEqual({
        kind: "image",
        image: AKS,
        unpinned: AKS,
        pin: undefined,
        composed: false,
      });
    },
  );

  test("comes with the image that the revision gives without it", () => {
    const template = podTemplate({ annotations: { [IMAGE]: "x/p:9" } });
    expect(proxyImageFor(template, read(PARTS), "")).toHaveProperty(
      "unpinned",
      "docker.io/istio/proxyv2:1.31.0",
    );
  });

  test("by an annotation without a slash does not count: the image is composed", () => {
    expect(imageOf({ annotations: { [IMAGE]: "proxyv2" } }, PARTS)).toBe(
      "docker.io/istio/proxyv2:1.31.0",
    );
  });
});

describe("the gateway template up to 1.22", () => {
  const gateway = (values: ValuesOptions, annotations: Record<string, string> = {}) =>
    proxyImageFor(
      podTemplate({ annotations: { [TEMPLATES]: "gateway", ...annotations } }),
      read(values, { templates: { gateway: OLD_GATEWAY_TEMPLATE } }),
      "",
    );

  test.each<[values: ValuesOptions, annotations: Record<string, string>, image: string]>([
    [WHOLE, {}, AKS],
    [WHOLE, { [IMAGE]: "x/p:9" }, "x/p:9"],
    // The condition in this template ignores the annotation.
    [PARTS, { [IMAGE]: "x/p:9" }, "docker.io/istio/proxyv2:1.31.0"],
    [PARTS, { [TYPE]: "debug" }, "docker.io/istio/proxyv2:1.31.0-debug"],
  ])("with %j and %j gives %s", (values, annotations, image) => {
    expect(gateway(values, annotations)).toMatchObject({ kind: "image", image });
  });
});

describe("the injection templates", () => {
  const image = (text: string) =>
    `spec:\n  containers:\n  - name: istio-proxy\n    image: ${text}\n`;

  test.each<[what: string, config: ConfigOptions, asked: string | undefined]>([
    ["the default templates", {}, undefined],
    ["a template by annotation", {}, "gateway"],
    ["spaces between the names", {}, " sidecar , gateway "],
    ["an alias", { aliases: { both: ["sidecar", "gateway"] } }, "both"],
    [
      "an alias among the defaults",
      { defaultTemplates: ["a"], aliases: { a: ["sidecar"] } },
      undefined,
    ],
    [
      "a template without the container istio-proxy",
      { templates: { more: "metadata: {}" } },
      "sidecar,more",
    ],
    [
      "a template that changes istio-proxy, but not its image",
      { templates: { env: "spec:\n  containers:\n  - name: istio-proxy\n    env: []\n" } },
      "sidecar,env",
    ],
    [
      "a template that changes istio-proxy, followed by another container's image",
      {
        templates: {
          env: "spec:\n  containers:\n  - name: istio-proxy\n    env: []\n  - name: agent\n    image: agent:1\n",
        },
      },
      "sidecar,env",
    ],
    [
      "a template that changes istio-proxy, with a directive at the indentation of the list",
      {
        templates: {
          env: "spec:\n  containers:\n  - name: istio-proxy\n  {{- if .Values.debug }}\n    env: []\n  {{- end }}\n  - name: agent\n    image: agent:1\n",
        },
      },
      "sidecar,env",
    ],
    [
      "a template that always uses .ProxyImage",
      { templates: { plain: image('"{{ .ProxyImage }}"') } },
      "plain",
    ],
  ])("have a known form: %s", (_what, config, asked) => {
    const template = podTemplate({
      annotations: asked === undefined ? {} : { [TEMPLATES]: asked },
    });
    expect(proxyImageFor(template, read(PARTS, config), "")).toMatchObject({
      kind: "image",
      image: "docker.io/istio/proxyv2:1.31.0",
    });
  });

  test.each<[what: string, text: string]>([
    ["a literal image", image("registry.test/proxyv2:1")],
    ["another value", image('"{{ .Values.global.azure.image }}"')],
    [
      "another condition",
      `spec:\n  containers:\n  - name: istio-proxy\n  {{- if .Values.fips }}\n    image: "{{ .ProxyImage }}-fips"\n  {{- else }}\n    image: "{{ .ProxyImage }}"\n  {{- end }}\n`,
    ],
    [
      "a condition that never ends",
      `spec:\n  containers:\n  - name: istio-proxy\n  {{- if .Values.fips }}\n    image: "{{ .ProxyImage }}"\n`,
    ],
    [
      "a name in quotes",
      'spec:\n  containers:\n  - name: "istio-proxy"\n    image: "{{ .ProxyImage }}"\n',
    ],
    [
      "a name in single quotes",
      "spec:\n  containers:\n  - name: 'istio-proxy'\n    image: x/p:1\n",
    ],
    ["a name after the image", "spec:\n  containers:\n  - image: x/p:1\n    name: istio-proxy\n"],
    [
      "a name on a line with the image",
      "spec:\n  containers: [{name: istio-proxy, image: x/p:1}]\n",
    ],
    [
      "a name with a comment",
      "spec:\n  containers:\n  - name: istio-proxy # ours\n    image: x/p:1\n",
    ],
    ["no proxy at all", "metadata: {}"],
    ["nothing", ""],
  ])("have an unknown form: %s", (_what, text) => {
    const template = podTemplate();
    expect(proxyImageFor(template, read(WHOLE, { templates: { sidecar: text } }), "")).toEqual({
      kind: "unknown",
      template: "sidecar",
    });
  });

  test("decide by the last one that sets the image, which the result names if it has an unknown form", () => {
    const template = podTemplate({ annotations: { [TEMPLATES]: "sidecar,own" } });
    const config = read(WHOLE, { templates: { own: image("x/p:1") } });
    expect(proxyImageFor(template, config, "")).toEqual({ kind: "unknown", template: "own" });
  });

  test.each([
    '  - name: "istio-proxy"\n    image: x/p:1\n',
    "  - image: x/p:1\n    name: istio-proxy\n",
    "  - {name: istio-proxy, image: x/p:1}\n",
  ])("have an unknown form if a later template may set the image: %j", (container) => {
    const template = podTemplate({ annotations: { [TEMPLATES]: "sidecar,own" } });
    const config = read(WHOLE, { templates: { own: `spec:\n  containers:\n${container}` } });
    expect(proxyImageFor(template, config, "")).toEqual({ kind: "unknown", template: "own" });
  });

  test.each([
    ["nope", "nope"],
    ["sidecar,nope", "nope"],
    ["Sidecar", "Sidecar"],
    // Istiod keeps empty names, and no template has an empty name.
    ["sidecar,", ""],
    [",sidecar", ""],
    ["", ""],
    [" ", ""],
    // Properties of the prototype are not aliases.
    ["constructor", "constructor"],
    ["toString", "toString"],
  ])("reject %j: the template %j does not exist", (names, missing) => {
    const template = podTemplate({ annotations: { [TEMPLATES]: names } });
    expect(proxyImageFor(template, read(WHOLE), "")).toEqual({
      kind: "rejected",
      template: missing,
      known: ["sidecar", "gateway"],
    });
  });
});
