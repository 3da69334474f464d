import { describe, expect, test } from "vitest";
import { assess } from "../../../src/mesh/assessment.ts";
import { traceDecision, type TraceStep } from "../../../src/mesh/trace.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import type { ControlPlane, Namespace, Workload } from "../../../src/snapshot.ts";
import { controlPlane, type RevisionOptions } from "../../support/build/control-plane.ts";
import { namespace } from "../../support/build/namespace.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";

const OLD: RevisionOptions = { name: "asm-1-27", values: { image: proxyImage("v1.27.9-6") } };
const NEW: RevisionOptions = { name: "asm-1-28", values: { image: proxyImage("v1.28.3-2") } };

function trace(
  plane: ControlPlane,
  place: Namespace | undefined,
  workload: Workload = deployment("web", { pods: [sidecars(2, proxyImage("v1.27.7-1"))] }),
): readonly TraceStep[] {
  const mesh = resolveMesh(plane);
  const options = { ...NO_CONSENT, excludes: () => undefined };
  const assessment = assess(workload, place, mesh, options);
  return traceDecision({ workload, namespace: place, mesh, assessment, pod: undefined });
}

function linesOf(steps: readonly TraceStep[], name: TraceStep["step"]): readonly string[] {
  return steps
    .filter(({ step }) => step === name)
    .map(({ subject, result, detail }) => `${subject} | ${result} | ${detail}`);
}

const BOTH = controlPlane({ revisions: [OLD, NEW], tags: { prod: "asm-1-28" } });

describe("the trace", () => {
  test("lists the steps in the order of the decision", () => {
    const steps = trace(BOTH, namespace("shop", { rev: "asm-1-27" })).map(({ step }) => step);
    expect([...new Set(steps)]).toEqual([
      "namespace",
      "template",
      "webhook",
      "revision",
      "target",
      "pods",
    ]);
    expect(steps.filter((step) => step === "webhook")).toHaveLength(6);
  });

  test("names the requirement that each webhook fails, in kubectl's notation", () => {
    expect(linesOf(trace(BOTH, namespace("shop", { rev: "asm-1-27" })), "webhook")).toEqual([
      "istio-revision-tag-prod-aks-istio-system/rev.namespace.sidecar-injector.istio.io | not-matched | the namespace does not match istio.io/rev in (prod)",
      "istio-revision-tag-prod-aks-istio-system/rev.object.sidecar-injector.istio.io | not-matched | the namespace does not match !istio.io/rev; the pod does not match istio.io/rev in (prod)",
      "istio-sidecar-injector-asm-1-27-aks-istio-system/rev.namespace.sidecar-injector.istio.io | matched | selects the pod",
      "istio-sidecar-injector-asm-1-27-aks-istio-system/rev.object.sidecar-injector.istio.io | not-matched | the namespace does not match !istio.io/rev; the pod does not match istio.io/rev in (asm-1-27)",
      "istio-sidecar-injector-asm-1-28-aks-istio-system/rev.namespace.sidecar-injector.istio.io | not-matched | the namespace does not match istio.io/rev in (asm-1-28)",
      "istio-sidecar-injector-asm-1-28-aks-istio-system/rev.object.sidecar-injector.istio.io | not-matched | the namespace does not match !istio.io/rev; the pod does not match istio.io/rev in (asm-1-28)",
    ]);
  });

  test("follows a tag to its revision, and names the tag", () => {
    const steps = trace(BOTH, namespace("shop", { rev: "prod" }));
    expect(linesOf(steps, "webhook")).toContain(
      "istio-revision-tag-prod-aks-istio-system/rev.namespace.sidecar-injector.istio.io | matched | selects the pod, by the tag prod",
    );
    expect(linesOf(steps, "revision")).toEqual([
      "service aks-istio-system/istiod-asm-1-28 | asm-1-28 | revision asm-1-28 (REVISION of deployment/istiod-asm-1-28, ready, tag prod)",
    ]);
    expect(linesOf(steps, "target")).toEqual([
      `configmap/istio-sidecar-injector-asm-1-28 | injected | ${proxyImage("v1.28.3-2")}, from global.proxy.image`,
    ]);
  });

  test.each<[what: string, values: RevisionOptions["values"], template: object, target: string]>([
    [
      "composed",
      { hub: "docker.io/istio", tag: "1.31.0" },
      {},
      "configmap/istio-sidecar-injector-asm-1-27 | injected | docker.io/istio/proxyv2:1.31.0, from global.hub, global.tag and the image type",
    ],
    [
      "pinned by an annotation",
      { image: "r/proxyv2:v2" },
      { annotations: { "sidecar.istio.io/proxyImage": "r/proxyv2:v1" } },
      "pod template | pinned | r/proxyv2:v1, pinned by sidecar.istio.io/proxyImage; configmap/istio-sidecar-injector-asm-1-27 gives r/proxyv2:v2",
    ],
    [
      "pinned by a container",
      { image: "r/proxyv2:v2" },
      { proxy: { image: "r/proxyv2:v1" } },
      "pod template | pinned | r/proxyv2:v1, pinned by the template's container istio-proxy; configmap/istio-sidecar-injector-asm-1-27 gives r/proxyv2:v2",
    ],
  ])("names the source of an image that is %s", (_what, values, template, target) => {
    const plane = controlPlane({ revisions: [{ name: "asm-1-27", values }] });
    const workload = deployment("web", { template });
    expect(
      linesOf(trace(plane, namespace("shop", { rev: "asm-1-27" }), workload), "target"),
    ).toEqual([target]);
  });

  test("shows only labels and annotations that matter", () => {
    const workload = deployment("web", {
      annotations: { "istio-upgrade/exclude": "true", team: "shop" },
      template: {
        labels: { app: "web", "istio.io/rev": "asm-1-28" },
        annotations: { "sidecar.istio.io/inject": "true", "prometheus.io/scrape": "true" },
        hostNetwork: true,
      },
    });
    const steps = trace(BOTH, namespace("shop", { rev: "a", injection: "enabled" }), workload);
    expect(linesOf(steps, "namespace")).toEqual([
      "namespace/shop | read | istio.io/rev=a, istio-injection=enabled",
    ]);
    expect(linesOf(steps, "template")).toEqual([
      "deployment/web | read | istio.io/rev=asm-1-28, annotation sidecar.istio.io/inject=true, hostNetwork, the workload's annotation istio-upgrade/exclude=true",
    ]);
  });

  test("names the outage of an unavailable webhook", () => {
    const plane = controlPlane({ revisions: [{ ...OLD, state: "dead" }, NEW] });
    const steps = trace(plane, namespace("shop", { rev: "asm-1-27" }));
    expect(linesOf(steps, "revision")).toEqual([
      "service aks-istio-system/istiod-asm-1-27 | dead | no ready endpoint, and failurePolicy Fail",
    ]);
    expect(linesOf(steps, "target")[0]).toMatch(/^new pod \| rejected \| the injector /);
  });

  test("marks unread objects", () => {
    const unread = controlPlane({ revisions: [OLD], unread: ["webhooks"] });
    expect(linesOf(trace(unread, namespace("shop")), "webhook")).toEqual([]);
    expect(linesOf(trace(unread, namespace("shop")), "target")[0]).toMatch(
      /^new pod \| unknown \| /,
    );
    expect(linesOf(trace(BOTH, undefined), "namespace")).toEqual([
      "namespace/shop | unread | could not read its labels",
    ]);
    const owned = deployment("web", { template: null });
    expect(linesOf(trace(BOTH, namespace("shop"), owned), "template")).toEqual([
      "deployment/web | unread | could not read its pod template",
    ]);
  });

  test("counts the pods of each group", () => {
    const pods = [
      sidecars(12, proxyImage("v1.27.7-1"), { ready: 11 }),
      sidecars(1, proxyImage("v1.27.9-6"), { podNames: ["web-new"], native: true }),
    ];
    const workload = deployment("web", { pods, terminating: 2 });
    const steps = trace(BOTH, namespace("shop", { rev: "asm-1-27" }), workload);
    expect(linesOf(steps, "pods")).toEqual([
      `12 of 13 | patch | ${proxyImage("v1.27.7-1")} of asm-1-27, 11 ready, patch: pod-0, pod-1, pod-2, pod-3, pod-4, pod-5, pod-6, pod-7, pod-8, pod-9 and 2 more`,
      `1 of 13 | on-target | native sidecar ${proxyImage("v1.27.9-6")} of asm-1-27, 1 ready: web-new`,
      "2 | terminating | not counted in the verdict",
    ]);
  });

  test("ends with the pod that the user named", () => {
    const mesh = resolveMesh(BOTH);
    const [group] = [sidecars(1, proxyImage("v1.27.7-1"), { podNames: ["web-1"], ready: 0 })];
    const place = namespace("shop", { rev: "asm-1-27" });
    const steps = traceDecision({
      workload: deployment("web", { pods: [group] }),
      namespace: place,
      mesh,
      assessment: undefined,
      pod: { name: "web-1", phase: "Pending", terminating: false, group },
    });
    expect(linesOf(steps, "pod")).toEqual([
      `pod/web-1 | pending | ${proxyImage("v1.27.7-1")} of asm-1-27, not ready`,
    ]);
  });
});
