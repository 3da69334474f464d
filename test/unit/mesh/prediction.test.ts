import { describe, expect, test } from "vitest";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { type Prediction, predictInjection } from "../../../src/mesh/prediction.ts";
import type { ControlPlane } from "../../../src/snapshot.ts";
import {
  controlPlane,
  type ControlPlaneOptions,
  type Part,
  type RevisionOptions,
} from "../../support/build/control-plane.ts";
import type { ConfigOptions } from "../../support/build/injector-config.ts";
import { namespace, type NamespaceOptions } from "../../support/build/namespace.ts";
import { proxyImage } from "../../support/build/pod-group.ts";
import { podTemplate, type TemplateOptions } from "../../support/build/workload.ts";
import { withPrintedSteps } from "../../support/build/next-step.ts";

const REV = "istio.io/rev";
const INJECT = "sidecar.istio.io/inject";
const OLD: RevisionOptions = { name: "asm-1-27", values: { image: proxyImage("v1.27.9-6") } };
const NEW: RevisionOptions = { name: "asm-1-28", values: { image: proxyImage("v1.28.3-2") } };
const IMAGE_27 = proxyImage("v1.27.9-6");
const IMAGE_28 = proxyImage("v1.28.3-2");

/** The control planes that the expected outcomes were recorded on. */
const WORLD = { revisions: [OLD, NEW], tags: { prod: "asm-1-28" } };
const WORLD_D = { revisions: [OLD, NEW], tags: { prod: "asm-1-28", default: "asm-1-27" } };

function predict(
  plane: ControlPlaneOptions | ControlPlane,
  labels: NamespaceOptions,
  template: TemplateOptions = {},
  name = "shop",
): Prediction {
  const mesh = resolveMesh("revisions" in plane ? controlPlane(plane) : plane);
  return predictInjection(podTemplate(template), namespace(name, labels), mesh);
}

/** The revision and the image, or the kind of the prediction and the code of its finding. */
function outcome(prediction: Prediction): string {
  return prediction.kind === "injected"
    ? `${prediction.revision} ${prediction.image}`
    : `${prediction.kind} ${prediction.finding.code}`;
}

const BY_27 = `asm-1-27 ${IMAGE_27}`;
const BY_28 = `asm-1-28 ${IMAGE_28}`;
const label = (inject: string) => ({ labels: { [INJECT]: inject } });
const annotation = (inject: string) => ({ annotations: { [INJECT]: inject } });

describe("the prediction equals the recorded outcome of a real injector", () => {
  test.each<[row: string, ns: NamespaceOptions, template: TemplateOptions, result: string]>([
    ["ns rev", { rev: "asm-1-27" }, {}, BY_27],
    ["ns rev=27, pod rev=28", { rev: "asm-1-27" }, { labels: { [REV]: "asm-1-28" } }, BY_27],
    ["ns none, pod rev=28", {}, { labels: { [REV]: "asm-1-28" } }, BY_28],
    [
      "ns none, pod rev=28 inject=true",
      {},
      { labels: { [REV]: "asm-1-28", [INJECT]: "true" } },
      BY_28,
    ],
    ["ns none, pod inject=true only", {}, label("true"), "none no-default-revision"],
    ["ns injection=enabled only", { injection: "enabled" }, {}, "none no-default-revision"],
    [
      "ns injection=enabled + rev",
      { injection: "enabled", rev: "asm-1-27" },
      {},
      "none both-labels",
    ],
    [
      "ns injection=disabled + rev",
      { injection: "disabled", rev: "asm-1-27" },
      {},
      "none both-labels",
    ],
    [
      "ns injection=disabled, pod rev=28",
      { injection: "disabled" },
      { labels: { [REV]: "asm-1-28" } },
      "none injection-disabled",
    ],
    ["ns injection=foo + rev", { injection: "foo", rev: "asm-1-27" }, {}, "none both-labels"],
    ["ns rev, pod label inject=false", { rev: "asm-1-27" }, label("false"), "none inject-false"],
    [
      "ns rev, annotation inject=false",
      { rev: "asm-1-27" },
      annotation("false"),
      "none inject-false",
    ],
    ["ns rev, annotation inject=true", { rev: "asm-1-27" }, annotation("true"), BY_27],
    [
      "ns rev, label true, annotation false",
      { rev: "asm-1-27" },
      { ...label("true"), ...annotation("false") },
      BY_27,
    ],
    ["ns rev, hostNetwork", { rev: "asm-1-27" }, { hostNetwork: true }, "none host-network"],
    [
      "ns rev, hostNetwork + label true",
      { rev: "asm-1-27" },
      { hostNetwork: true, ...label("true") },
      "none host-network",
    ],
    [
      "ns rev, proxyImage annotation",
      { rev: "asm-1-27" },
      { annotations: { "sidecar.istio.io/proxyImage": "x/proxyv2:v9" } },
      "asm-1-27 x/proxyv2:v9",
    ],
    [
      "ns rev, proxyImageType debug",
      { rev: "asm-1-27" },
      { annotations: { "sidecar.istio.io/proxyImageType": "debug" } },
      BY_27,
    ],
    [
      "ns rev, own istio-proxy image auto",
      { rev: "asm-1-27" },
      { proxy: { image: "auto" } },
      BY_27,
    ],
    [
      "ns rev, own istio-proxy image custom",
      { rev: "asm-1-27" },
      { proxy: { image: "custom:1" } },
      "asm-1-27 custom:1",
    ],
    ["ns rev=tag prod", { rev: "prod" }, {}, BY_28],
    ["ns rev=gone", { rev: "gone" }, {}, "none revision-gone"],
    [
      "ns rev=gone, pod rev=28",
      { rev: "gone" },
      { labels: { [REV]: "asm-1-28" } },
      "none revision-gone",
    ],
    ["ns rev=28 native default", { rev: "asm-1-28" }, {}, BY_28],
    [
      "ns rev=28 nativeSidecar=false",
      { rev: "asm-1-28" },
      { annotations: { "sidecar.istio.io/nativeSidecar": "false" } },
      BY_28,
    ],
    [
      "ns rev=27 nativeSidecar=true",
      { rev: "asm-1-27" },
      { annotations: { "sidecar.istio.io/nativeSidecar": "true" } },
      BY_27,
    ],
    [
      "ns rev, templates annotation gateway",
      { rev: "asm-1-27" },
      { annotations: { "inject.istio.io/templates": "gateway" } },
      BY_27,
    ],
    [
      "ns rev, templates annotation nonexistent",
      { rev: "asm-1-27" },
      { annotations: { "inject.istio.io/templates": "nope" } },
      "rejected template-missing",
    ],
    [
      "ns rev, templates annotation with an empty name",
      { rev: "asm-1-27" },
      { annotations: { "inject.istio.io/templates": "sidecar," } },
      "rejected template-missing",
    ],
    ["ns rev=default", { rev: "default" }, {}, "none revision-gone"],
    ["ns rev empty string", { rev: "" }, {}, "none revision-gone"],
  ])("%s", (_row, ns, template, result) => {
    expect(outcome(predict(WORLD, ns, template))).toBe(result);
  });

  test.each<[row: string, ns: NamespaceOptions, template: TemplateOptions, result: string]>([
    ["ns injection=enabled", { injection: "enabled" }, {}, BY_27],
    ["ns injection=enabled + rev=28", { injection: "enabled", rev: "asm-1-28" }, {}, BY_27],
    ["ns none, pod inject=true", {}, label("true"), BY_27],
    ["ns none", {}, {}, "none no-label"],
    ["ns rev=default", { rev: "default" }, {}, BY_27],
    [
      "ns none, pod inject=true rev=28",
      {},
      { labels: { [INJECT]: "true", [REV]: "asm-1-28" } },
      BY_28,
    ],
    [
      "ns disabled, pod inject=true",
      { injection: "disabled" },
      label("true"),
      "none injection-disabled",
    ],
    ["ns none, pod rev=default", {}, { labels: { [REV]: "default" } }, BY_27],
  ])("with a default tag: %s", (_row, ns, template, result) => {
    expect(outcome(predict(WORLD_D, ns, template))).toBe(result);
  });

  test("an empty istio-injection label injects nothing and disables revisions", () => {
    expect(outcome(predict(WORLD_D, { injection: "" }))).toBe("none injection-disabled");
    expect(outcome(predict(WORLD_D, { injection: "", rev: "asm-1-27" }))).toBe("none both-labels");
  });

  test("the default revision behaves like the default tag", () => {
    const plane = {
      istioNamespace: "istio-system",
      revisions: [{ name: "default", values: { hub: "h", tag: "1.31.0" } }],
    };
    expect(outcome(predict(plane, { injection: "enabled" }))).toBe("default h/proxyv2:1.31.0");
    expect(outcome(predict(plane, {}, label("true")))).toBe("default h/proxyv2:1.31.0");
    expect(outcome(predict(plane, { rev: "default" }))).toBe("default h/proxyv2:1.31.0");
  });
});

describe("system namespaces are never injected", () => {
  test.each(["kube-system", "kube-public", "kube-node-lease", "local-path-storage"])(
    "%s",
    (name) => {
      const prediction = predict(WORLD, { rev: "asm-1-27" }, label("true"), name);
      expect(outcome(prediction)).toBe("none system-namespace");
    },
  );
});

describe("selectors and policy of the revision:", () => {
  const batch = { matchLabels: { job: "batch" } };
  const job = { labels: { job: "batch" } };

  test.each<[what: string, config: ConfigOptions, template: TemplateOptions, result: string]>([
    ["a neverInjectSelector that matches", { never: [batch] }, job, "none never-selector"],
    ["a neverInjectSelector that does not match", { never: [batch] }, {}, BY_27],
    ["an empty neverInjectSelector, which matches nothing", { never: [{}] }, job, BY_27],
    [
      "inject=true takes precedence over neverInjectSelector",
      { never: [batch] },
      { labels: { ...job.labels, [INJECT]: "true" } },
      BY_27,
    ],
    [
      "a neverInjectSelector that istiod ignores as invalid",
      { never: [{ matchExpressions: [{ key: "team", operator: "NotIn" }] }] },
      {},
      BY_27,
    ],
    [
      "policy disabled, an alwaysInjectSelector that istiod ignores as invalid",
      {
        policy: "disabled",
        always: [{ matchExpressions: [{ key: "team", operator: "NotIn", values: [] }] }],
      },
      {},
      "none policy-disabled",
    ],
    [
      "neverInjectSelector takes precedence over alwaysInjectSelector",
      { never: [batch], always: [batch] },
      job,
      "none never-selector",
    ],
    ["policy disabled", { policy: "disabled" }, {}, "none policy-disabled"],
    ["policy disabled, inject=true", { policy: "disabled" }, label("true"), BY_27],
    ["policy disabled, annotation true", { policy: "disabled" }, annotation("true"), BY_27],
    [
      "policy disabled, an alwaysInjectSelector that matches",
      { policy: "disabled", always: [batch] },
      job,
      BY_27,
    ],
    [
      "policy disabled, an empty alwaysInjectSelector",
      { policy: "disabled", always: [{}] },
      job,
      "none policy-disabled",
    ],
    ["an unknown policy", { policy: "on" }, {}, "none policy-disabled"],
    ["an unknown policy, inject=true", { policy: "on" }, label("true"), "none policy-disabled"],
    [
      "an unknown policy, an alwaysInjectSelector that matches",
      { policy: "on", always: [batch] },
      job,
      "none policy-disabled",
    ],
  ])("%s", (_what, config, template, result) => {
    const plane = { revisions: [{ ...OLD, config }] };
    expect(outcome(predict(plane, { rev: "asm-1-27" }, template))).toBe(result);
  });
});

describe("a value of the inject label other than true and false", () => {
  test.each<[istiod: string, value: string, result: string]>([
    // istio/istio#56737
    ["pilot:v1.27.0-1", "yes", BY_27],
    ["pilot:v1.27.0-1", "no", BY_27],
    ["pilot:2.0.0", "no", BY_27],
    ["pilot:v1.26.4-1", "yes", BY_27],
    ["pilot:v1.26.4-1", "Y", BY_27],
    ["pilot:v1.26.4-1", "True", BY_27],
    ["pilot:v1.26.4-1", "on", BY_27],
    ["pilot:v1.26.4-1", "no", "none inject-false"],
    ["pilot:v1.26.4-1", "1", "none inject-false"],
    ["pilot:latest", "yes", "unknown inject-value"],
    ["pilot:latest", "true", BY_27],
    ["pilot:latest", "", BY_27],
  ])("with istiod %s, %j", (istiodImage, value, result) => {
    const plane = { revisions: [{ ...OLD, istiodImage }] };
    expect(outcome(predict(plane, { rev: "asm-1-27" }, label(value)))).toBe(result);
    expect(outcome(predict(plane, { rev: "asm-1-27" }, annotation(value)))).toBe(result);
  });

  test("requests injection under the policy `disabled` if istiod treats it as true", () => {
    const plane = {
      revisions: [{ ...OLD, istiodImage: "pilot:v1.26.4-1", config: { policy: "disabled" } }],
    };
    expect(outcome(predict(plane, { rev: "asm-1-27" }, label("yes")))).toBe(BY_27);
  });

  test("hides the annotation even if it is empty", () => {
    const template = { ...label(""), ...annotation("false") };
    expect(outcome(predict(WORLD, { rev: "asm-1-27" }, template))).toBe(BY_27);
  });
});

describe("an unavailable webhook", () => {
  const dead = { ...OLD, state: "dead" } as const;
  const removed = { ...OLD, state: "removed" } as const;

  test.each<[what: string, revision: RevisionOptions, result: string]>([
    ["with failurePolicy Fail rejects pods", dead, "rejected webhook-dead"],
    [
      "with failurePolicy Ignore lets pods start without a sidecar",
      { ...dead, failurePolicy: "Ignore" },
      "none webhook-dead-ignored",
    ],
    ["without a Service, with failurePolicy Fail, rejects pods", removed, "rejected webhook-dead"],
    [
      "without a Service, with failurePolicy Ignore, lets pods start without a sidecar",
      { ...removed, failurePolicy: "Ignore" },
      "none webhook-dead-ignored",
    ],
  ])("%s", (_what, revision, result) => {
    expect(outcome(predict({ revisions: [revision, NEW] }, { rev: "asm-1-27" }))).toBe(result);
  });

  test("affects only the pods that it selects", () => {
    const plane = { revisions: [dead, NEW] };
    expect(outcome(predict(plane, { rev: "asm-1-28" }))).toBe(BY_28);
    expect(outcome(predict(plane, {}))).toBe("none no-label");
    expect(outcome(predict(plane, { rev: "asm-1-27" }, label("false")))).toBe("none inject-false");
  });

  test("rejects hostNetwork pods, too: istiod cannot skip them", () => {
    const prediction = predict({ revisions: [dead] }, { rev: "asm-1-27" }, { hostNetwork: true });
    expect(outcome(prediction)).toBe("rejected webhook-dead");
  });

  test("rejects a pod even if another webhook for the pod answers", () => {
    const plane = controlPlane({ revisions: [OLD] });
    const [first] = plane.webhooks ?? [];
    if (first === undefined) throw new Error("no webhook");
    const gone = {
      ...first,
      configuration: "zz-left-behind",
      service: { namespace: "aks-istio-system", name: "gone" },
    };
    const webhooks = [...(plane.webhooks ?? []), gone];
    expect(outcome(predict({ ...plane, webhooks }, { rev: "asm-1-27" }))).toBe(
      "rejected webhook-dead",
    );
    const ignored = [...(plane.webhooks ?? []), { ...gone, failurePolicy: "Ignore" } as const];
    expect(outcome(predict({ ...plane, webhooks: ignored }, { rev: "asm-1-27" }))).toBe(BY_27);
  });
});

describe("several webhooks for one pod", () => {
  /** Makes the webhooks of one revision select every pod, in addition to the other webhooks. */
  function selectingEverything(revision: string): ControlPlane {
    const plane = controlPlane({ revisions: [OLD, NEW] });
    const webhooks = (plane.webhooks ?? []).map((webhook) =>
      webhook.configuration.includes(revision)
        ? { ...webhook, namespaceSelector: {}, objectSelector: {} }
        : webhook,
    );
    return { ...plane, webhooks };
  }

  test("of the same revision are harmless", () => {
    expect(outcome(predict(selectingEverything("asm-1-27"), { rev: "asm-1-27" }))).toBe(BY_27);
  });

  test("of different revisions make the outcome unknown, and both are named", () => {
    const prediction = predict(selectingEverything("asm-1-27"), { rev: "asm-1-28" });
    expect(prediction).toMatchObject({ kind: "unknown", finding: { code: "several-revisions" } });
    expect(prediction).toHaveProperty("finding.reason", expect.stringContaining("asm-1-28-aks"));
    expect(prediction).toHaveProperty("finding.reason", expect.stringContaining("asm-1-27-aks"));
  });

  test("with matchConditions make the outcome unknown for the pods that they select", () => {
    const plane = { revisions: [{ ...OLD, matchConditions: true }, NEW] };
    expect(outcome(predict(plane, { rev: "asm-1-27" }))).toBe("unknown match-conditions");
    expect(outcome(predict(plane, { rev: "asm-1-28" }))).toBe(BY_28);
  });

  test("with matchConditions do not matter to a pod that opts out", () => {
    const plane = { revisions: [{ ...OLD, matchConditions: true }, NEW] };
    const optOut = { annotations: { "sidecar.istio.io/inject": "false" } };
    expect(outcome(predict(plane, { rev: "asm-1-27" }, optOut))).toBe("none inject-false");
    // If the webhook is called, an injector that does not answer rejects the pod.
    const dead = { revisions: [{ ...OLD, matchConditions: true, state: "dead" as const }] };
    expect(outcome(predict(dead, { rev: "asm-1-27" }, optOut))).toBe("unknown match-conditions");
  });
});

describe("the outcome is unknown because of", () => {
  test.each<[part: Part, result: string]>([
    ["webhooks", "unknown webhooks-unread"],
    ["services", "unknown control-plane-unread"],
    ["istiods", "unknown control-plane-unread"],
    ["configMaps", "unknown config-unread"],
    // An unavailable webhook is not known as such, so the outcome is the same as for an available one.
    ["readyEndpoints", BY_27],
  ])("unread %s", (part, result) => {
    const plane = { revisions: [OLD], unread: [part] };
    expect(outcome(predict(plane, { rev: "asm-1-27" }))).toBe(result);
  });

  test("a malformed ConfigMap", () => {
    const plane = controlPlane({ revisions: [OLD] });
    const configMaps = new Map([
      ["istio-sidecar-injector-asm-1-27", { config: "policy: enabled" }],
    ]);
    const prediction = predict({ ...plane, configMaps }, { rev: "asm-1-27" });
    expect(outcome(prediction)).toBe("unknown config-malformed");
    expect(prediction).toHaveProperty(
      "finding.reason",
      "configmap/istio-sidecar-injector-asm-1-27 cannot be used: it has no key `values`",
    );
  });

  test("a ConfigMap with malformed selectors", () => {
    const plane = controlPlane({ revisions: [OLD] });
    const name = "istio-sidecar-injector-asm-1-27";
    const data = { ...plane.configMaps?.get(name), config: "neverInjectSelector: {job: batch}" };
    const prediction = predict(
      { ...plane, configMaps: new Map([[name, data]]) },
      { rev: "asm-1-27" },
    );
    expect(outcome(prediction)).toBe("unknown config-malformed");
    expect(prediction).toHaveProperty(
      "finding.reason",
      `configmap/${name} cannot be used: its \`config\` has a selector that is none`,
    );
  });

  test("a control plane whose Service selects no pods", () => {
    const plane = controlPlane({ revisions: [OLD] });
    const withSelector = (selector: Readonly<Record<string, string>>) => {
      const services = plane.services?.map((service) => ({ ...service, selector }));
      return outcome(predict({ ...plane, services }, { rev: "asm-1-27" }));
    };
    expect(withSelector({ app: "other" })).toBe("unknown control-plane-unread");
    // Without a selector, its endpoints are written by hand, and lead outside the cluster.
    expect(withSelector({})).toBe("unknown control-plane-remote");
  });

  test("a template that sets the image in an unknown form", () => {
    const text = "spec:\n  containers:\n  - name: istio-proxy\n    image: {{ azureImage . }}\n";
    const plane = { revisions: [{ ...OLD, config: { templates: { sidecar: text } } }] };
    expect(outcome(predict(plane, { rev: "asm-1-27" }))).toBe("unknown template-foreign");
  });

  test("a control plane behind a URL, even if another webhook has a known revision", () => {
    const plane = controlPlane({ revisions: [OLD] });
    const url = "https://istiod.example:15017/inject/cluster/east/net/rev/asm-1-27";
    const remote = (plane.webhooks ?? []).map((webhook) => ({
      ...webhook,
      service: undefined,
      configuration: "remote",
      url,
    }));
    for (const webhooks of [remote, [...remote, ...(plane.webhooks ?? [])]]) {
      expect(withPrintedSteps(predict({ ...plane, webhooks }, { rev: "asm-1-27" }))).toEqual({
        kind: "unknown",
        finding: {
          code: "control-plane-remote",
          reason: `remote calls ${url}: the cluster does not show which revision answers there`,
          nextStep:
            "only a dry run can tell; check that you may do one: kubectl auth can-i create pods",
        },
      });
    }
  });

  test("a control plane in another namespace, which the next step names", () => {
    const plane = { ...controlPlane({ revisions: [OLD] }), istioNamespace: "istio-system" };
    expect(withPrintedSteps(predict(plane, { rev: "asm-1-27" }))).toMatchObject({
      kind: "unknown",
      finding: {
        code: "control-plane-unread",
        nextStep:
          "check with the control plane of that namespace: istio-upgrade check --istio-namespace aks-istio-system",
      },
    });
  });
});

test("a prediction names its ConfigMap, and the image without the pin", () => {
  const template = { annotations: { "sidecar.istio.io/proxyImage": "x/proxyv2:v9" } };
  expect(predict(WORLD, { rev: "prod" }, template)).toEqual({
    kind: "injected",
    revision: "asm-1-28",
    image: "x/proxyv2:v9",
    unpinned: IMAGE_28,
    pin: { by: "annotation" },
    composed: false,
    source: "configmap/istio-sidecar-injector-asm-1-28",
  });
});
