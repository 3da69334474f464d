import { describe, expect, test } from "vitest";
import { defaultImage, resolveMesh } from "../../../src/mesh/mesh.ts";
import type { ControlPlane, Istiod } from "../../../src/snapshot.ts";
import { controlPlane, type RevisionOptions } from "../../support/build/control-plane.ts";
import { proxyImage } from "../../support/build/pod-group.ts";

const OLD: RevisionOptions = { name: "asm-1-27", values: { image: proxyImage("v1.27.9-6") } };
const NEW: RevisionOptions = { name: "asm-1-28", values: { image: proxyImage("v1.28.3-2") } };

/** Configuration, revision and life of each webhook, once per configuration. */
function injectorsOf(plane: ControlPlane): readonly unknown[] {
  const all = resolveMesh(plane).injectors?.map(
    ({ configuration, revision, available }) => `${configuration} ${revision} ${available}`,
  );
  return [...new Set(all)];
}

/** Somebody fills its endpoints by hand: the selector names no pods. */
function withoutSelector(plane: ControlPlane): ControlPlane {
  return { ...plane, services: plane.services?.map((service) => ({ ...service, selector: {} })) };
}

/** As a configuration is whose label istiod does not know. */
function untrusted(plane: ControlPlane): ControlPlane {
  return { ...plane, webhooks: plane.webhooks?.map((one) => ({ ...one, trusted: false })) };
}

describe("injectors", () => {
  test("are called in the order of their configurations' names", () => {
    const plane = controlPlane({ revisions: [NEW, OLD], tags: { prod: "asm-1-28" } });
    expect(injectorsOf(plane)).toEqual([
      "istio-revision-tag-prod-aks-istio-system asm-1-28 true",
      "istio-sidecar-injector-asm-1-27-aks-istio-system asm-1-27 true",
      "istio-sidecar-injector-asm-1-28-aks-istio-system asm-1-28 true",
    ]);
  });

  test("take their revision from the Deployment behind the Service, not from any name", () => {
    const plane = controlPlane({ revisions: [OLD] });
    const renamed = plane.istiods?.map((istiod) => ({ ...istiod, revision: "canary" }));
    expect(injectorsOf({ ...plane, istiods: renamed })).toEqual([
      "istio-sidecar-injector-asm-1-27-aks-istio-system canary true",
    ]);
  });

  test("of the default revision stand behind the plain Service istiod", () => {
    const plane = controlPlane({
      istioNamespace: "istio-system",
      revisions: [{ name: "default", values: { hub: "h", tag: "1.31.0" } }],
    });
    expect(injectorsOf(plane)).toEqual(["istio-sidecar-injector default true"]);
  });

  test.each<[what: string, plane: ControlPlane, revision: string | undefined, available: unknown]>([
    [
      "dead where the Service has no ready endpoint",
      controlPlane({ revisions: [{ ...OLD, state: "dead" }] }),
      "asm-1-27",
      false,
    ],
    [
      "dead where the Service has no endpoints that anything knows of",
      { ...controlPlane({ revisions: [OLD] }), readyEndpoints: new Map() },
      "asm-1-27",
      false,
    ],
    [
      "dead, and of no revision, where the Service is gone",
      controlPlane({ revisions: [{ ...OLD, state: "removed" }] }),
      undefined,
      false,
    ],
    [
      "of a revision that cannot be told where Deployments are unread",
      controlPlane({ revisions: [OLD], unread: ["istiods"] }),
      undefined,
      true,
    ],
    [
      "of a revision that cannot be told where the Service selects nothing",
      withoutSelector(controlPlane({ revisions: [OLD] })),
      undefined,
      true,
    ],
    [
      "of nothing that can be told where Services are unread",
      controlPlane({ revisions: [OLD], unread: ["services"] }),
      undefined,
      undefined,
    ],
    [
      "neither alive nor dead where endpoints are unread",
      controlPlane({ revisions: [OLD], unread: ["readyEndpoints"] }),
      "asm-1-27",
      undefined,
    ],
    [
      "unknown where the Service is in another namespace",
      { ...controlPlane({ revisions: [OLD] }), istioNamespace: "istio-system" },
      undefined,
      undefined,
    ],
  ])("are %s", (_what, plane, revision, available) => {
    const [injector] = resolveMesh(plane).injectors ?? [];
    expect(injector?.configuration).toContain("asm-1-27");
    expect([injector?.revision, injector?.available]).toEqual([revision, available]);
  });

  test.each<[what: string, changes: readonly Partial<Istiod>[], revision: string | undefined]>([
    ["of the same revision", [{}, { name: "istiod-spare" }], "asm-1-27"],
    ["of several revisions", [{}, { revision: "asm-1-28" }], undefined],
    ["of which one is scaled to zero", [{ wanted: 0 }, { revision: "asm-1-28" }], "asm-1-28"],
    ["that are all scaled to zero", [{ wanted: 0 }, { wanted: 0 }], "asm-1-27"],
    [
      "of several revisions, all scaled to zero",
      [{ wanted: 0 }, { wanted: 0, revision: "asm-1-28" }],
      undefined,
    ],
    ["that do not say which revision they are", [{ revision: undefined }], undefined],
    ["of which one does not say", [{}, { revision: undefined }], undefined],
  ])("behind a Service with Deployments %s", (_what, changes, revision) => {
    const plane = controlPlane({ revisions: [OLD] });
    const istiods = changes.flatMap((change) =>
      (plane.istiods ?? []).map((istiod) => ({ ...istiod, ...change })),
    );
    expect(injectorsOf({ ...plane, istiods })).toEqual([
      `istio-sidecar-injector-asm-1-27-aks-istio-system ${revision} true`,
    ]);
  });

  test.each<[outage: string, plane: ControlPlane]>([
    ["no-service", controlPlane({ revisions: [{ ...OLD, state: "removed" }] })],
    ["no-endpoint", controlPlane({ revisions: [{ ...OLD, state: "dead" }] })],
    ["no-authority", untrusted(controlPlane({ revisions: [OLD] }))],
  ])("that are dead say of what: %s", (outage, plane) => {
    const [injector] = resolveMesh(plane).injectors ?? [];
    expect(injector).toMatchObject({ available: false, outage });
  });

  test("behind a Service that stands for another name are not dead for want of endpoints", () => {
    const plane = controlPlane({ revisions: [{ ...OLD, state: "dead" }] });
    const services = plane.services?.map((service) => ({ ...service, external: true }));
    expect(injectorsOf({ ...plane, services })).toEqual([
      "istio-sidecar-injector-asm-1-27-aks-istio-system undefined undefined",
    ]);
  });

  test("behind a URL are of a revision that cannot be told", () => {
    const plane = controlPlane({ revisions: [OLD] });
    const webhooks = plane.webhooks?.map((webhook) => ({
      ...webhook,
      service: undefined,
      url: "https://istiod.example:15017/inject",
    }));
    expect(injectorsOf({ ...plane, webhooks })).toEqual([
      "istio-sidecar-injector-asm-1-27-aks-istio-system undefined undefined",
    ]);
  });

  test("are only those that bear Istio's mark in their name", () => {
    const plane = controlPlane({ revisions: [OLD] });
    const webhooks = plane.webhooks?.map((webhook, index) =>
      index === 0 ? { ...webhook, name: "inject.linkerd.example" } : webhook,
    );
    expect(resolveMesh({ ...plane, webhooks }).injectors).toHaveLength(1);
  });

  test("are undefined, not none, where the configurations are unread", () => {
    const plane = controlPlane({ revisions: [OLD], unread: ["webhooks"] });
    expect(resolveMesh(plane).injectors).toBeUndefined();
  });
});

describe("revisions", () => {
  test("are the injector's ConfigMaps, and the default's has no suffix", () => {
    const mesh = resolveMesh(
      controlPlane({
        revisions: [OLD, { name: "default", values: { hub: "h", tag: 1.3 } }],
        configMaps: { "istio-sidecar-injectors": {}, "istio-asm-1-27": {}, istio: {} },
      }),
    );
    expect([...mesh.revisions.values()].map(({ name, source }) => [name, source])).toEqual([
      ["asm-1-27", "configmap/istio-sidecar-injector-asm-1-27"],
      ["default", "configmap/istio-sidecar-injector"],
    ]);
  });

  test("have the tags whose webhooks lead to them, each once, sorted", () => {
    const { revisions } = resolveMesh(
      controlPlane({
        revisions: [OLD, NEW],
        tags: { stable: "asm-1-27", default: "asm-1-27", prod: "asm-1-28" },
      }),
    );
    expect(revisions.get("asm-1-27")?.tags).toEqual(["default", "stable"]);
    expect(revisions.get("asm-1-28")?.tags).toEqual(["prod"]);
  });

  test("have their control plane, and whether it is ready", () => {
    const { revisions } = resolveMesh(controlPlane({ revisions: [OLD, { ...NEW, ready: false }] }));
    expect(revisions.get("asm-1-27")?.istiod?.ready).toBe(true);
    expect(revisions.get("asm-1-28")?.istiod?.ready).toBe(false);
  });

  test("have no control plane where Deployments are unread", () => {
    const { revisions } = resolveMesh(controlPlane({ revisions: [OLD], unread: ["istiods"] }));
    expect(revisions.get("asm-1-27")).toHaveProperty("istiod", undefined);
  });

  test("are none where ConfigMaps are unread", () => {
    const { revisions } = resolveMesh(controlPlane({ revisions: [OLD], unread: ["configMaps"] }));
    expect(revisions.size).toBe(0);
  });

  test.each([
    ["defaultConfig: {image: {imageType: distroless}}", "h/proxyv2:1-distroless"],
    ["defaultConfig: {image: {}}\naccessLogFile: imageType", "h/proxyv2:1"],
    ["imageType: distroless", "h/proxyv2:1"],
    ["defaultConfig: [imageType", "h/proxyv2:1"],
    ["accessLogFile: /dev/stdout", "h/proxyv2:1"],
  ])("with the mesh configuration %j give a plain pod %s", (mesh, image) => {
    const { revisions } = resolveMesh(
      controlPlane({
        revisions: [{ name: "asm-1-27", values: { hub: "h", tag: "1" } }],
        configMaps: { "istio-asm-1-27": { mesh }, istio: { mesh: "defaultConfig: {}" } },
      }),
    );
    const revision = revisions.get("asm-1-27");
    expect(revision && defaultImage(revision)).toBe(image);
  });

  test.each([
    ["its ConfigMap cannot be used", { values: "{", config: "{}" }],
    ["its template is foreign", { values: '{"global":{}}', config: "templates: {sidecar: x}" }],
    ["its default template is missing", { values: '{"global":{}}', config: "templates: {}" }],
  ])("give no target where %s", (_what, data) => {
    const plane = controlPlane({ revisions: [OLD] });
    const configMaps = new Map([["istio-sidecar-injector-asm-1-27", data]]);
    const revision = resolveMesh({ ...plane, configMaps }).revisions.get("asm-1-27");
    expect(revision).toMatchObject({ name: "asm-1-27" });
    expect(revision && defaultImage(revision)).toBeUndefined();
  });
});

test("shared mesh configurations are known by name", () => {
  const mesh = resolveMesh(
    controlPlane({
      revisions: [OLD],
      configMaps: { "istio-shared-configmap-asm-1-27": {}, "istio-shared-configmap": {} },
    }),
  );
  expect([...(mesh.sharedConfigMaps ?? [])]).toEqual(["istio-shared-configmap-asm-1-27"]);
});
