import { describe, expect, test } from "vitest";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { predictInjection } from "../../../src/mesh/prediction.ts";
import type { Labels } from "../../../src/snapshot.ts";
import { controlPlane, type RevisionOptions } from "../../support/build/control-plane.ts";
import type { ConfigOptions } from "../../support/build/injector-config.ts";
import { namespace } from "../../support/build/namespace.ts";
import { proxyImage } from "../../support/build/pod-group.ts";
import { podTemplate, type TemplateOptions } from "../../support/build/workload.ts";

const TARGET = proxyImage("v1.27.9-6");
const PLAIN: RevisionOptions = { name: "asm-1-27", values: { image: TARGET } };
const CNI: RevisionOptions = { ...PLAIN, values: { image: TARGET, cni: true } };

interface World {
  readonly level?: string;
  readonly revision?: RevisionOptions;
  readonly template?: TemplateOptions;
  readonly configMaps?: Readonly<Record<string, Labels>>;
}

/** `injected`, or the kind of the prediction and the code of its finding. */
function outcome({ level, revision = PLAIN, template = {}, configMaps = {} }: World): string {
  const mesh = resolveMesh(controlPlane({ revisions: [revision], configMaps }));
  const place = namespace("shop", { rev: "asm-1-27" });
  const enforced = level === undefined ? {} : { "pod-security.kubernetes.io/enforce": level };
  const labels = { ...place.labels, ...enforced };
  const prediction = predictInjection(podTemplate(template), { ...place, labels }, mesh);
  return prediction.kind === "injected"
    ? "injected"
    : `${prediction.kind} ${prediction.finding.code}`;
}

const annotated = (annotations: Labels): TemplateOptions => ({ annotations });
const templates = (names: string) => annotated({ "inject.istio.io/templates": names });
const REJECTED = "rejected pod-security";

describe("PodSecurity rejects istio-init, and a proxy without allowPrivilegeEscalation:", () => {
  test.each<[what: string, world: World, result: string]>([
    ["no level", {}, "injected"],
    ["privileged", { level: "privileged" }, "injected"],
    ["baseline", { level: "baseline" }, REJECTED],
    ["restricted", { level: "restricted" }, REJECTED],
    ["an unknown level", { level: "strict" }, "injected"],
    ["baseline, with Istio CNI", { level: "baseline", revision: CNI }, "injected"],
    ["restricted, with Istio CNI", { level: "restricted", revision: CNI }, "injected"],
    ["baseline, a gateway", { level: "baseline", template: templates("gateway") }, "injected"],
    ["restricted, a gateway", { level: "restricted", template: templates("gateway") }, REJECTED],
    [
      "restricted, a gateway whose own container has the setting",
      {
        level: "restricted",
        template: { ...templates("gateway"), proxy: { image: "auto", confined: true } },
      },
      "injected",
    ],
    [
      "restricted, a gateway whose own container lacks the setting",
      { level: "restricted", template: { ...templates("gateway"), proxy: { image: "auto" } } },
      REJECTED,
    ],
    [
      "baseline, a pod with interception mode NONE",
      { level: "baseline", template: annotated({ "sidecar.istio.io/interceptionMode": "NONE" }) },
      "injected",
    ],
    [
      "baseline, a pod with interception mode TPROXY",
      { level: "baseline", template: annotated({ "sidecar.istio.io/interceptionMode": "TPROXY" }) },
      REJECTED,
    ],
    [
      "baseline, a proxy configuration with an interception mode",
      {
        level: "baseline",
        template: annotated({ "proxy.istio.io/config": "interceptionMode: NONE" }),
      },
      "injected",
    ],
    [
      "baseline, a proxy configuration without an interception mode",
      { level: "baseline", template: annotated({ "proxy.istio.io/config": "concurrency: 2" }) },
      REJECTED,
    ],
    [
      "baseline, a mesh configuration with an interception mode",
      {
        level: "baseline",
        configMaps: { "istio-asm-1-27": { mesh: "defaultConfig: {interceptionMode: NONE}" } },
      },
      "injected",
    ],
    [
      "baseline, a shared mesh configuration with an interception mode",
      {
        level: "baseline",
        configMaps: {
          "istio-shared-configmap-asm-1-27": { mesh: "defaultConfig: {interceptionMode: NONE}" },
        },
      },
      "injected",
    ],
    [
      "baseline, a pod that opts out of injection",
      { level: "baseline", template: { labels: { "sidecar.istio.io/inject": "false" } } },
      "none inject-false",
    ],
  ])("%s", (_what, world, result) => {
    expect(outcome(world)).toBe(result);
  });

  test("the reason names the level and the violation", () => {
    const mesh = resolveMesh(controlPlane({ revisions: [PLAIN] }));
    const place = namespace("shop", { rev: "asm-1-27" });
    const labels = { ...place.labels, "pod-security.kubernetes.io/enforce": "baseline" };
    expect(predictInjection(podTemplate(), { ...place, labels }, mesh)).toEqual({
      kind: "rejected",
      finding: {
        code: "pod-security",
        reason:
          "namespace shop has pod-security.kubernetes.io/enforce=baseline, and istio-init needs the capabilities NET_ADMIN and NET_RAW (configmap/istio-sidecar-injector-asm-1-27): new pods are rejected",
        nextStep:
          "lower the namespace's pod-security.kubernetes.io/enforce label, or use Istio CNI",
      },
    });
  });
});

describe("two injection templates may add the proxy twice:", () => {
  const BOTH = "sidecar,gateway";
  const COLLIDE = "rejected templates-collide";
  const native = (value: string) => ({
    ...templates(BOTH),
    annotations: { ...templates(BOTH).annotations, "sidecar.istio.io/nativeSidecar": value },
  });
  const own: ConfigOptions = { defaultTemplates: ["sidecar", "gateway"] };

  test.each<[what: string, world: World, result: string]>([
    ["native sidecars off", { revision: { ...PLAIN, native: "false" } }, "injected"],
    ["native sidecars on", { revision: { ...PLAIN, native: "true" } }, COLLIDE],
    [
      "native sidecars on, templates in the other order",
      { revision: { ...PLAIN, native: "true" }, template: templates("gateway,sidecar") },
      COLLIDE,
    ],
    [
      "native sidecars on, one template",
      { revision: { ...PLAIN, native: "true" }, template: templates("sidecar") },
      "injected",
    ],
    [
      "native sidecars on, one template twice",
      { revision: { ...PLAIN, native: "true" }, template: templates("sidecar,sidecar") },
      "injected",
    ],
    [
      "native sidecars on, the gateway template alone",
      { revision: { ...PLAIN, native: "true" }, template: templates("gateway") },
      "injected",
    ],
    [
      "native sidecars on, both templates by default",
      { revision: { ...PLAIN, native: "true", config: own }, template: {} },
      COLLIDE,
    ],
    ["a native sidecar by annotation", { template: native("true") }, COLLIDE],
    [
      "a native sidecar by annotation with an unknown value",
      { template: native("maybe") },
      COLLIDE,
    ],
    [
      "no native sidecar by annotation",
      { revision: { ...PLAIN, native: "true" }, template: native("false") },
      "injected",
    ],
    [
      "an annotation with an empty value, which does not count",
      { revision: { ...PLAIN, native: "true" }, template: native("") },
      COLLIDE,
    ],
    [
      "native sidecars if the nodes support them",
      { revision: { ...PLAIN, native: "auto" } },
      "unknown templates-collide",
    ],
    [
      "native sidecars if the nodes support them, by default since 1.27",
      {},
      "unknown templates-collide",
    ],
    [
      "no native sidecars, by default before 1.27",
      { revision: { ...PLAIN, istiodImage: "pilot:v1.26.4-1" } },
      "injected",
    ],
    [
      "an unknown version of istiod",
      { revision: { ...PLAIN, istiodImage: "pilot:latest" } },
      "unknown templates-collide",
    ],
  ])("%s", (_what, world, result) => {
    expect(outcome({ template: templates(BOTH), ...world })).toBe(result);
  });

  const custom = (list: string) => ({
    defaultTemplates: ["sidecar", "custom"],
    templates: {
      custom: [
        "spec:",
        "  containers:",
        "  - name: other",
        `  ${list}:`,
        "  - name: istio-proxy",
        "    env: []",
      ].join("\n"),
    },
  });

  test.each<[list: string, native: "true" | "false" | "auto", result: string]>([
    ["initContainers", "true", "injected"],
    ["initContainers", "false", COLLIDE],
    ["initContainers", "auto", "unknown templates-collide"],
    ["containers", "true", COLLIDE],
    ["containers", "false", "injected"],
    ["containers", "auto", "unknown templates-collide"],
  ])("a custom template with the proxy under %s, native sidecars %s", (list, setting, result) => {
    const byDefault = { ...PLAIN, native: setting, config: custom(list) };
    expect(outcome({ revision: byDefault, template: {} })).toBe(result);
    const chosen = { ...byDefault, config: { templates: custom(list).templates } };
    expect(outcome({ revision: chosen, template: templates("sidecar,custom") })).toBe(result);
  });

  test("two templates with the proxy under different lists collide with every setting", () => {
    const { templates: one } = custom("initContainers");
    const { templates: other } = custom("containers");
    const config = {
      defaultTemplates: ["one", "other", "sidecar"],
      templates: { one: one.custom, other: other.custom },
    };
    expect(outcome({ revision: { ...PLAIN, native: "auto", config }, template: {} })).toBe(COLLIDE);
  });
});
