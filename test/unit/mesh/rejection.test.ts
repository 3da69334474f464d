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

/** `injected`, or `rejected CODE`. */
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
const REFUSED = "rejected pod-security";

describe("PodSecurity refuses istio-init, and a proxy that says nothing of privileges", () => {
  test.each<[what: string, world: World, result: string]>([
    ["no level", {}, "injected"],
    ["privileged", { level: "privileged" }, "injected"],
    ["baseline", { level: "baseline" }, REFUSED],
    ["restricted", { level: "restricted" }, REFUSED],
    ["an unknown level", { level: "strict" }, "injected"],
    ["baseline, with Istio CNI", { level: "baseline", revision: CNI }, "injected"],
    ["restricted, with Istio CNI", { level: "restricted", revision: CNI }, "injected"],
    ["baseline, a gateway", { level: "baseline", template: templates("gateway") }, "injected"],
    ["restricted, a gateway", { level: "restricted", template: templates("gateway") }, REFUSED],
    [
      "restricted, a gateway whose own container says it",
      {
        level: "restricted",
        template: { ...templates("gateway"), proxy: { image: "auto", confined: true } },
      },
      "injected",
    ],
    [
      "restricted, a gateway whose own container says nothing either",
      { level: "restricted", template: { ...templates("gateway"), proxy: { image: "auto" } } },
      REFUSED,
    ],
    [
      "baseline, a pod that intercepts nothing",
      { level: "baseline", template: annotated({ "sidecar.istio.io/interceptionMode": "NONE" }) },
      "injected",
    ],
    [
      "baseline, a pod that intercepts in another way",
      { level: "baseline", template: annotated({ "sidecar.istio.io/interceptionMode": "TPROXY" }) },
      REFUSED,
    ],
    [
      "baseline, a proxy configuration that may intercept nothing",
      {
        level: "baseline",
        template: annotated({ "proxy.istio.io/config": "interceptionMode: NONE" }),
      },
      "injected",
    ],
    [
      "baseline, a proxy configuration of other things",
      { level: "baseline", template: annotated({ "proxy.istio.io/config": "concurrency: 2" }) },
      REFUSED,
    ],
    [
      "baseline, a mesh that may intercept nothing",
      {
        level: "baseline",
        configMaps: { "istio-asm-1-27": { mesh: "defaultConfig: {interceptionMode: NONE}" } },
      },
      "injected",
    ],
    [
      "baseline, a shared mesh configuration that may",
      {
        level: "baseline",
        configMaps: {
          "istio-shared-configmap-asm-1-27": { mesh: "defaultConfig: {interceptionMode: NONE}" },
        },
      },
      "injected",
    ],
    [
      "baseline, a pod that opts out",
      { level: "baseline", template: { labels: { "sidecar.istio.io/inject": "false" } } },
      "none inject-false",
    ],
  ])("%s", (_what, world, result) => {
    expect(outcome(world)).toBe(result);
  });

  test("and is named, with what it refuses", () => {
    const mesh = resolveMesh(controlPlane({ revisions: [PLAIN] }));
    const place = namespace("shop", { rev: "asm-1-27" });
    const labels = { ...place.labels, "pod-security.kubernetes.io/enforce": "baseline" };
    expect(predictInjection(podTemplate(), { ...place, labels }, mesh)).toEqual({
      kind: "rejected",
      finding: {
        code: "pod-security",
        reason:
          "namespace shop has pod-security.kubernetes.io/enforce=baseline, and by configmap/istio-sidecar-injector-asm-1-27 istio-init needs the capabilities NET_ADMIN and NET_RAW: new pods are refused",
        nextStep:
          "lower the namespace's pod-security.kubernetes.io/enforce label, or use Istio CNI",
      },
    });
  });
});

describe("two templates that bring the proxy in two lists make a pod of twins", () => {
  const BOTH = "sidecar,gateway";
  const COLLIDE = "rejected templates-collide";
  const native = (value: string) => ({
    ...templates(BOTH),
    annotations: { ...templates(BOTH).annotations, "sidecar.istio.io/nativeSidecar": value },
  });
  const own: ConfigOptions = { defaultTemplates: ["sidecar", "gateway"] };

  test.each<[what: string, world: World, result: string]>([
    ["native off", { revision: { ...PLAIN, native: "false" } }, "injected"],
    ["native on", { revision: { ...PLAIN, native: "true" } }, COLLIDE],
    [
      "native on, the other way round",
      { revision: { ...PLAIN, native: "true" }, template: templates("gateway,sidecar") },
      COLLIDE,
    ],
    [
      "native on, one template",
      { revision: { ...PLAIN, native: "true" }, template: templates("sidecar") },
      "injected",
    ],
    [
      "native on, one template twice",
      { revision: { ...PLAIN, native: "true" }, template: templates("sidecar,sidecar") },
      "injected",
    ],
    [
      "native on, gateways alone",
      { revision: { ...PLAIN, native: "true" }, template: templates("gateway") },
      "injected",
    ],
    [
      "native on, both by default",
      { revision: { ...PLAIN, native: "true", config: own }, template: {} },
      COLLIDE,
    ],
    ["native by the pod", { template: native("true") }, COLLIDE],
    ["native by any odd value of the pod", { template: native("maybe") }, COLLIDE],
    [
      "not native by the pod",
      { revision: { ...PLAIN, native: "true" }, template: native("false") },
      "injected",
    ],
    [
      "an empty value of the pod is none",
      { revision: { ...PLAIN, native: "true" }, template: native("") },
      COLLIDE,
    ],
    ["as the nodes are", { revision: { ...PLAIN, native: "auto" } }, "unknown templates-collide"],
    ["as the nodes are, by default since 1.27", {}, "unknown templates-collide"],
    [
      "not native by default before",
      { revision: { ...PLAIN, istiodImage: "pilot:v1.26.4-1" } },
      "injected",
    ],
    [
      "of a version that cannot be read",
      { revision: { ...PLAIN, istiodImage: "pilot:latest" } },
      "unknown templates-collide",
    ],
  ])("%s", (_what, world, result) => {
    expect(outcome({ template: templates(BOTH), ...world })).toBe(result);
  });
});
