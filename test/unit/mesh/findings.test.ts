import { describe, expect, test } from "vitest";
import { withNamespaceUses } from "../../../src/mesh/choices.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { predictInjection } from "../../../src/mesh/prediction.ts";
import { controlPlane, type RevisionOptions } from "../../support/build/control-plane.ts";
import { namespace, type NamespaceOptions } from "../../support/build/namespace.ts";
import { proxyImage } from "../../support/build/pod-group.ts";
import { podTemplate, type TemplateOptions } from "../../support/build/workload.ts";
import type { Namespace } from "../../../src/snapshot.ts";
import { problemOf } from "../../support/pasted-steps.ts";
import { formatStep, withPrintedSteps } from "../../support/build/next-step.ts";

const OLD: RevisionOptions = { name: "asm-1-9", values: { image: proxyImage("v1.9.0-1") } };
const NEW: RevisionOptions = { name: "asm-1-28", values: { image: proxyImage("v1.28.3-2") } };

function findingOf(
  labels: NamespaceOptions,
  template: TemplateOptions = {},
  revisions: readonly RevisionOptions[] = [NEW],
) {
  const mesh = resolveMesh(controlPlane({ revisions }));
  const prediction = predictInjection(podTemplate(template), namespace("shop", labels), mesh);
  if (prediction.kind === "injected") throw new Error("it would be injected");
  return prediction.finding;
}

describe("the next step for a namespace label can be pasted", () => {
  test.each<[code: string, labels: NamespaceOptions, template: TemplateOptions, command: string]>([
    ["both-labels", { injection: "enabled", rev: "asm-1-28" }, {}, "istio-injection-"],
    [
      "no-default-revision",
      { injection: "enabled" },
      {},
      "istio-injection- istio.io/rev=asm-1-28 --overwrite",
    ],
    [
      "injection-disabled",
      { injection: "disabled" },
      {},
      "istio-injection- istio.io/rev=asm-1-28 --overwrite",
    ],
    ["revision-gone", { rev: "asm-1-26" }, {}, "istio.io/rev=asm-1-28 --overwrite"],
    ["no-label", {}, {}, "istio.io/rev=asm-1-28"],
    [
      "no-default-revision",
      {},
      { labels: { "sidecar.istio.io/inject": "true" } },
      "istio.io/rev=asm-1-28",
    ],
    ["no-label", {}, { labels: { app: "web" } }, "istio.io/rev=asm-1-28"],
  ])("%s", (code, labels, template, command) => {
    expect(withPrintedSteps(findingOf(labels, template))).toMatchObject({
      code,
      nextStep: `kubectl label namespace shop ${command}`,
    });
  });

  test("the suggested label leads to injection", () => {
    const mesh = resolveMesh(controlPlane({ revisions: [OLD, NEW] }));
    const fixed = predictInjection(podTemplate(), namespace("shop", { rev: "asm-1-28" }), mesh);
    expect(fixed).toMatchObject({ kind: "injected", revision: "asm-1-28" });
  });
});

describe("the next step for a pod template names the field to change", () => {
  test.each<[code: string, template: TemplateOptions, nextStep: string]>([
    [
      "revision-gone",
      { labels: { "istio.io/rev": "asm-1-26" } },
      "set the label istio.io/rev=asm-1-28 in the pod template",
    ],
    [
      "inject-false",
      { labels: { "sidecar.istio.io/inject": "false" } },
      "remove the label sidecar.istio.io/inject from the pod template",
    ],
  ])("%s", (code, template, nextStep) => {
    expect(withPrintedSteps(findingOf({}, template))).toMatchObject({ code, nextStep });
  });

  test.each<[code: string, template: TemplateOptions, nextStep: string]>([
    [
      "inject-false",
      { annotations: { "sidecar.istio.io/inject": "false" } },
      "remove the annotation sidecar.istio.io/inject from the pod template",
    ],
    [
      "host-network",
      { hostNetwork: true },
      "remove hostNetwork from the pod template, or take the workload out of the mesh",
    ],
    [
      "template-missing",
      { annotations: { "inject.istio.io/templates": "nope" } },
      "correct the annotation inject.istio.io/templates in the pod template",
    ],
  ])("%s, in a namespace with injection", (code, template, nextStep) => {
    expect(findingOf({ rev: "asm-1-28" }, template)).toMatchObject({ code, nextStep });
  });
});

describe("the reason names the object and the field", () => {
  test.each<[labels: NamespaceOptions, template: TemplateOptions, reason: string]>([
    [
      { injection: "enabled", rev: "asm-1-28" },
      {},
      "namespace shop has both istio-injection=enabled and istio.io/rev=asm-1-28: any istio-injection label disables the revision's injector",
    ],
    [
      { rev: "asm-1-26" },
      {},
      "namespace shop has istio.io/rev=asm-1-26, which names no installed revision or tag",
    ],
    [
      {},
      { labels: { "istio.io/rev": "asm-1-26" } },
      "the pod template has the label istio.io/rev=asm-1-26, which names no installed revision or tag",
    ],
    [
      { injection: "disabled" },
      {},
      "namespace shop has istio-injection=disabled, which disables injection",
    ],
    [
      {},
      { labels: { "sidecar.istio.io/inject": "true" } },
      "the pod template asks for injection with sidecar.istio.io/inject=true alone, but there is no default revision",
    ],
    [
      { rev: "asm-1-28" },
      { annotations: { "inject.istio.io/templates": "nope" } },
      'the pod template asks for the injection template "nope", which configmap/istio-sidecar-injector-asm-1-28 lacks (it has sidecar, gateway): new pods are rejected',
    ],
  ])("%j, %j", (labels, template, reason) => {
    expect(findingOf(labels, template)).toHaveProperty("reason", reason);
  });

  test("for an unavailable injector, also with its failurePolicy", () => {
    const dead = { ...NEW, state: "dead" } as const;
    const service = "istio-sidecar-injector-asm-1-28-aks-istio-system does not answer (service";
    expect(findingOf({ rev: "asm-1-28" }, {}, [dead])).toMatchObject({
      code: "webhook-dead",
      reason: `the injector ${service} aks-istio-system/istiod-asm-1-28 has no ready endpoint) and its failurePolicy is Fail: new pods are rejected`,
    });
    expect(
      findingOf({ rev: "asm-1-28" }, {}, [{ ...dead, failurePolicy: "Ignore" }]),
    ).toMatchObject({
      code: "webhook-dead-ignored",
      reason: `the injector ${service} aks-istio-system/istiod-asm-1-28 has no ready endpoint) and its failurePolicy is Ignore`,
    });
  });
});

test("the finding about an unavailable injector names the cause and the fix", () => {
  const configuration = "istio-sidecar-injector-asm-1-28-aks-istio-system";
  const service = "service aks-istio-system/istiod-asm-1-28";
  for (const failurePolicy of ["Fail", "Ignore"] as const) {
    expect(
      findingOf({ rev: "asm-1-28" }, {}, [{ ...NEW, state: "removed", failurePolicy }]),
    ).toHaveProperty(
      "reason",
      expect.stringContaining(`does not answer (${service} does not exist)`),
    );

    const plane = controlPlane({ revisions: [{ ...NEW, failurePolicy }] });
    const webhooks = plane.webhooks?.map((webhook) => ({ ...webhook, trusted: false }));
    const mesh = resolveMesh({ ...plane, webhooks });
    const prediction = predictInjection(
      podTemplate(),
      namespace("shop", { rev: "asm-1-28" }),
      mesh,
    );
    expect(withPrintedSteps(prediction)).toMatchObject({
      kind: failurePolicy === "Fail" ? "rejected" : "none",
      finding: {
        reason: expect.stringContaining(
          `does not answer (the webhook has no caBundle to verify ${service} with)`,
        ),
        nextStep: `kubectl label mutatingwebhookconfigurations ${configuration} istio.io/rev=asm-1-28 --overwrite`,
      },
    });
  }
});

test("a revision without webhooks is not reported as removed", () => {
  const plane = controlPlane({ revisions: [OLD, NEW] });
  const webhooks = plane.webhooks?.filter(({ configuration }) => !configuration.includes("1-28"));
  const prediction = predictInjection(
    podTemplate(),
    namespace("shop", { rev: "asm-1-28" }),
    resolveMesh({ ...plane, webhooks }),
  );
  expect(withPrintedSteps(prediction)).toEqual({
    kind: "none",
    finding: {
      code: "webhook-missing",
      reason:
        "namespace shop has istio.io/rev=asm-1-28, whose ConfigMap exists, but none of its webhooks selects the pod",
      nextStep:
        "list its webhooks: kubectl get mutatingwebhookconfigurations -l istio.io/rev=asm-1-28 -o yaml",
    },
  });
});

test("the suggested revision is the newest by number: 28 is newer than 9", () => {
  expect(withPrintedSteps(findingOf({ rev: "gone" }, {}, [NEW, OLD]).nextStep)).toContain(
    "istio.io/rev=asm-1-28",
  );
});

describe("an unread ConfigMap is not reported as absent", () => {
  function unread(labels: NamespaceOptions, template: TemplateOptions = {}, more: object = {}) {
    const plane = controlPlane({ revisions: [OLD, NEW], unread: ["configMaps"] });
    const mesh = resolveMesh({ ...plane, ...more });
    const prediction = predictInjection(podTemplate(template), namespace("shop", labels), mesh);
    if (prediction.kind === "injected") throw new Error("it would be injected");
    return prediction.finding;
  }

  test.each<[labels: NamespaceOptions, template: TemplateOptions, label: string]>([
    [{ rev: "asm-1-26" }, {}, "namespace shop has istio.io/rev=asm-1-26"],
    [
      {},
      { labels: { "istio.io/rev": "asm-1-26" } },
      "the pod template has the label istio.io/rev=asm-1-26",
    ],
  ])("%j, %j", (labels, template, label) => {
    expect(withPrintedSteps(unread(labels, template))).toEqual({
      code: "webhook-missing",
      reason: `${label}, but no webhook of that revision or tag selects the pod; could not read whether it is installed`,
      nextStep:
        "list its webhooks: kubectl get mutatingwebhookconfigurations -l istio.io/rev=asm-1-26 -o yaml",
    });
  });

  test("the suggested revision may be known from its webhooks alone", () => {
    expect(withPrintedSteps(unread({}).nextStep)).toBe(
      "for asm-1-9: kubectl label namespace shop istio.io/rev=asm-1-9; for asm-1-28: kubectl label namespace shop istio.io/rev=asm-1-28",
    );
  });

  test("without a known revision, the next step lists the ConfigMaps", () => {
    expect(withPrintedSteps(unread({}, {}, { istiods: undefined }).nextStep)).toBe(
      "list the revisions: kubectl get configmaps -n aks-istio-system",
    );
  });
});

test("without any installed revision, the next step is to install one", () => {
  expect(findingOf({ rev: "asm-1-27" }, {}, [])).toEqual({
    code: "revision-gone",
    reason: "namespace shop has istio.io/rev=asm-1-27, which names no installed revision or tag",
    nextStep: "no revision is installed: install a revision first",
    choices: [],
  });
});

describe("with several revisions, the next step names each that may be meant", () => {
  const label = "kubectl label namespace shop";
  const others = (count: number, labels: NamespaceOptions) =>
    Array.from({ length: count }, (_, index) => namespace(`other-${index}`, labels));

  /** @param places all namespaces; `undefined` if only that of the workload was read. */
  function stepFor(
    places: readonly Namespace[] | undefined,
    tags: Readonly<Record<string, string>> = {},
    template: TemplateOptions = {},
    labels: NamespaceOptions = { rev: "asm-1-8" },
  ) {
    const read = resolveMesh(controlPlane({ revisions: [NEW, OLD], tags }));
    const mesh = places === undefined ? read : withNamespaceUses(read, places, []);
    const found = predictInjection(podTemplate(template), namespace("shop", labels), mesh);
    if (found.kind === "injected") throw new Error("it would be injected");
    return formatStep(found.finding.nextStep);
  }

  function both(oldTitle: string, newTitle: string): string {
    return `for ${oldTitle}: ${label} istio.io/rev=asm-1-9 --overwrite; for ${newTitle}: ${label} istio.io/rev=asm-1-28 --overwrite`;
  }

  test.each<
    [
      what: string,
      places: readonly Namespace[] | undefined,
      tags: Readonly<Record<string, string>>,
      nextStep: string,
    ]
  >([
    ["the oldest first, if no use is known", undefined, {}, both("asm-1-9", "asm-1-28")],
    [
      "with the tags alone, if not all namespaces were read",
      undefined,
      { prod: "asm-1-9" },
      both("asm-1-9 (tag prod)", "asm-1-28"),
    ],
    [
      "with the namespaces that lead to it by a tag or by its name",
      [...others(8, { rev: "prod" }), namespace("direct", { rev: "asm-1-9" })],
      { prod: "asm-1-9" },
      both("asm-1-9 (9 namespaces, tag prod)", "asm-1-28 (no namespaces)"),
    ],
    [
      "with one namespace and several tags",
      [namespace("direct", { rev: "asm-1-9" })],
      { a: "asm-1-9", b: "asm-1-9", c: "asm-1-9", d: "asm-1-9", canary: "asm-1-28" },
      both(
        "asm-1-9 (1 namespace, tags a, b, c and 1 more)",
        "asm-1-28 (no namespaces, tag canary)",
      ),
    ],
    [
      "the most used one first",
      others(2, { rev: "asm-1-28" }),
      { prod: "asm-1-9" },
      `for asm-1-28 (2 namespaces): ${label} istio.io/rev=asm-1-28 --overwrite; for asm-1-9 (no namespaces, tag prod): ${label} istio.io/rev=asm-1-9 --overwrite`,
    ],
    [
      "without a namespace that two labels exclude",
      others(2, { rev: "asm-1-28", injection: "disabled" }),
      {},
      both("asm-1-9 (no namespaces)", "asm-1-28 (no namespaces)"),
    ],
  ])("%s", (_what, places, tags, nextStep) => {
    expect(stepFor(places, tags)).toBe(nextStep);
  });

  test("in a pod template", () => {
    const template = { labels: { "istio.io/rev": "asm-1-8" } };
    expect(stepFor(undefined, {}, template, {})).toBe(
      "for asm-1-9: set the label istio.io/rev=asm-1-9 in the pod template; for asm-1-28: set the label istio.io/rev=asm-1-28 in the pod template",
    );
  });

  test("as commands that a shell takes", () => {
    expect(problemOf(stepFor(others(2, { rev: "asm-1-28" }), { prod: "asm-1-9" }))).toBeUndefined();
  });
});
