import { describe, expect, test } from "vitest";
import { defaultImage, resolveMesh } from "../../../src/mesh/mesh.ts";
import type { ControlPlane, Istiod } from "../../../src/snapshot.ts";
import { controlPlane, type RevisionOptions } from "../../support/build/control-plane.ts";
import { proxyImage } from "../../support/build/pod-group.ts";

const OLD: RevisionOptions = { name: "asm-1-27", values: { image: proxyImage("v1.27.9-6") } };
const NEW: RevisionOptions = { name: "asm-1-28", values: { image: proxyImage("v1.28.3-2") } };

/** The configuration, revision and availability of each webhook, once for each configuration. */
function injectorsOf(plane: ControlPlane): readonly unknown[] {
  const all = resolveMesh(plane).injectors?.map(
    ({ configuration, revision, available }) => `${configuration} ${revision} ${available}`,
  );
  return [...new Set(all)];
}

/** Removes the selectors of all Services. Their endpoints then exist independently of pods. */
function withoutSelector(plane: ControlPlane): ControlPlane {
  return { ...plane, services: plane.services?.map((service) => ({ ...service, selector: {} })) };
}

/** Removes the CA certificates, which istiod adds only to configurations with its own label. */
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

  test("have the revision of the Deployment behind the Service, regardless of names", () => {
    const plane = controlPlane({ revisions: [OLD] });
    const renamed = plane.istiods?.map((istiod) => ({ ...istiod, revision: "canary" }));
    expect(injectorsOf({ ...plane, istiods: renamed })).toEqual([
      "istio-sidecar-injector-asm-1-27-aks-istio-system canary true",
    ]);
  });

  test("of the default revision use the Service istiod without a suffix", () => {
    const plane = controlPlane({
      istioNamespace: "istio-system",
      revisions: [{ name: "default", values: { hub: "h", tag: "1.31.0" } }],
    });
    expect(injectorsOf(plane)).toEqual(["istio-sidecar-injector default true"]);
  });

  test.each<[what: string, plane: ControlPlane, revision: string | undefined, available: unknown]>([
    [
      "unavailable if the Service has no ready endpoint",
      controlPlane({ revisions: [{ ...OLD, state: "dead" }] }),
      "asm-1-27",
      false,
    ],
    [
      "unavailable if the Service has no endpoints at all",
      { ...controlPlane({ revisions: [OLD] }), readyEndpoints: new Map() },
      "asm-1-27",
      false,
    ],
    [
      "unavailable, and of no revision, if the Service does not exist",
      controlPlane({ revisions: [{ ...OLD, state: "removed" }] }),
      undefined,
      false,
    ],
    [
      "of an unknown revision if Deployments are unread",
      controlPlane({ revisions: [OLD], unread: ["istiods"] }),
      undefined,
      true,
    ],
    [
      "of an unknown revision if the Service selects nothing",
      withoutSelector(controlPlane({ revisions: [OLD] })),
      undefined,
      true,
    ],
    [
      "unknown if Services are unread",
      controlPlane({ revisions: [OLD], unread: ["services"] }),
      undefined,
      undefined,
    ],
    [
      "neither available nor unavailable if endpoints are unread",
      controlPlane({ revisions: [OLD], unread: ["readyEndpoints"] }),
      "asm-1-27",
      undefined,
    ],
    [
      "unknown if the Service is in another namespace",
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
    ["all of one revision", [{}, { name: "istiod-spare" }], "asm-1-27"],
    ["of several revisions", [{}, { revision: "asm-1-28" }], undefined],
    ["one of them scaled to zero", [{ wanted: 0 }, { revision: "asm-1-28" }], "asm-1-28"],
    ["all scaled to zero", [{ wanted: 0 }, { wanted: 0 }], "asm-1-27"],
    [
      "of several revisions, all scaled to zero",
      [{ wanted: 0 }, { wanted: 0, revision: "asm-1-28" }],
      undefined,
    ],
    ["of an unknown revision", [{ revision: undefined }], undefined],
    ["one of them of an unknown revision", [{}, { revision: undefined }], undefined],
  ])(
    "have the common revision of the Deployments that the Service selects: %s",
    (_what, changes, revision) => {
      const plane = controlPlane({ revisions: [OLD] });
      const istiods = changes.flatMap((change) =>
        (plane.istiods ?? []).map((istiod) => ({ ...istiod, ...change })),
      );
      expect(injectorsOf({ ...plane, istiods })).toEqual([
        `istio-sidecar-injector-asm-1-27-aks-istio-system ${revision} true`,
      ]);
    },
  );

  test.each<[outage: string, plane: ControlPlane]>([
    ["no-service", controlPlane({ revisions: [{ ...OLD, state: "removed" }] })],
    ["no-endpoint", controlPlane({ revisions: [{ ...OLD, state: "dead" }] })],
    ["no-authority", untrusted(controlPlane({ revisions: [OLD] }))],
  ])("have a reason if they are unavailable: %s", (outage, plane) => {
    const [injector] = resolveMesh(plane).injectors ?? [];
    expect(injector).toMatchObject({ available: false, outage });
  });

  test("behind an ExternalName Service are not unavailable, although it has no endpoints", () => {
    const plane = controlPlane({ revisions: [{ ...OLD, state: "dead" }] });
    const services = plane.services?.map((service) => ({ ...service, external: true }));
    expect(injectorsOf({ ...plane, services })).toEqual([
      "istio-sidecar-injector-asm-1-27-aks-istio-system undefined undefined",
    ]);
  });

  test("behind a URL are of an unknown revision", () => {
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

  test("are only the webhooks with Istio's suffix in their name", () => {
    const plane = controlPlane({ revisions: [OLD] });
    const webhooks = plane.webhooks?.map((webhook, index) =>
      index === 0 ? { ...webhook, name: "inject.linkerd.example" } : webhook,
    );
    expect(resolveMesh({ ...plane, webhooks }).injectors).toHaveLength(1);
  });

  test("are undefined, not empty, if the configurations are unread", () => {
    const plane = controlPlane({ revisions: [OLD], unread: ["webhooks"] });
    expect(resolveMesh(plane).injectors).toBeUndefined();
  });
});

describe("revisions", () => {
  test("come from the injector's ConfigMaps; the one without a suffix is the default revision", () => {
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

  test("have the tags whose webhooks lead to them, sorted and without duplicates", () => {
    const { revisions } = resolveMesh(
      controlPlane({
        revisions: [OLD, NEW],
        tags: { stable: "asm-1-27", default: "asm-1-27", prod: "asm-1-28" },
      }),
    );
    expect(revisions.get("asm-1-27")?.tags).toEqual(["default", "stable"]);
    expect(revisions.get("asm-1-28")?.tags).toEqual(["prod"]);
  });

  test("have their control plane with its readiness", () => {
    const { revisions } = resolveMesh(controlPlane({ revisions: [OLD, { ...NEW, ready: false }] }));
    expect(revisions.get("asm-1-27")?.istiod?.ready).toBe(true);
    expect(revisions.get("asm-1-28")?.istiod?.ready).toBe(false);
  });

  test("have no control plane if Deployments are unread", () => {
    const { revisions } = resolveMesh(controlPlane({ revisions: [OLD], unread: ["istiods"] }));
    expect(revisions.get("asm-1-27")).toHaveProperty("istiod", undefined);
  });

  test("are empty if ConfigMaps are unread", () => {
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
    ["the ConfigMap is malformed", { values: "{", config: "{}" }],
    [
      "the template has an unknown form",
      { values: '{"global":{}}', config: "templates: {sidecar: x}" },
    ],
    ["the default template is missing", { values: '{"global":{}}', config: "templates: {}" }],
  ])("have no default image if %s", (_what, data) => {
    const plane = controlPlane({ revisions: [OLD] });
    const configMaps = new Map([["istio-sidecar-injector-asm-1-27", data]]);
    const revision = resolveMesh({ ...plane, configMaps }).revisions.get("asm-1-27");
    expect(revision).toMatchObject({ name: "asm-1-27" });
    expect(revision && defaultImage(revision)).toBeUndefined();
  });
});

test("the shared ConfigMaps are listed by name", () => {
  const mesh = resolveMesh(
    controlPlane({
      revisions: [OLD],
      configMaps: { "istio-shared-configmap-asm-1-27": {}, "istio-shared-configmap": {} },
    }),
  );
  expect([...(mesh.sharedConfigMaps?.keys() ?? [])]).toEqual(["istio-shared-configmap-asm-1-27"]);
});
