import { describe, expect, test } from "vitest";
import type { Prediction } from "../../../src/mesh/prediction.ts";
import { predictInjection } from "../../../src/mesh/prediction.ts";
import { pinFinding } from "../../../src/mesh/pin.ts";
import { applyProof } from "../../../src/mesh/proof.ts";
import type { DryRun, PodTemplate } from "../../../src/snapshot.ts";
import { meshOf } from "../../support/build/assessment.ts";
import { namespace } from "../../support/build/namespace.ts";
import { proxyImage } from "../../support/build/pod-group.ts";
import { podTemplate, type TemplateOptions } from "../../support/build/workload.ts";

const MESH = meshOf();
const TARGET = proxyImage("v1.27.9-6");

function predicted(rev: string | undefined, template: TemplateOptions = {}): Prediction {
  const place = namespace("shop", rev === undefined ? {} : { rev });
  return predictInjection(podTemplate(template), place, MESH);
}

const injected = predicted("asm-1-27");
const none = predicted(undefined);
const unknown: Prediction = predictInjection(podTemplate(), namespace("shop"), {
  ...MESH,
  injectors: undefined,
});
const rejected = predicted("asm-1-27", { annotations: { "inject.istio.io/templates": "nope" } });

const PLAIN = podTemplate();
const POD: DryRun = { kind: "pod", image: TARGET, revision: "asm-1-27" };
const NO_SIDECAR: DryRun = { kind: "pod", image: undefined, revision: undefined };
const REFUSED: DryRun = { kind: "refused", message: "admission webhook denied the request" };

test.each([
  ["injected", injected],
  ["none", none],
  ["rejected", rejected],
  ["unknown", unknown],
])("an unavailable dry run leaves the prediction `%s` unchanged", (kind, prediction) => {
  expect(prediction.kind).toBe(kind);
  expect(applyProof(prediction, { kind: "unavailable", message: "no" }, MESH, PLAIN)).toEqual({
    prediction,
    proved: false,
    disagreement: undefined,
  });
});

describe("a dry run that agrees proves the prediction without a warning", () => {
  test.each<[what: string, prediction: Prediction, dryRun: DryRun]>([
    ["the same sidecar", injected, POD],
    ["no sidecar", none, NO_SIDECAR],
    ["a rejection", rejected, REFUSED],
  ])("%s", (_what, prediction, dryRun) => {
    expect(applyProof(prediction, dryRun, MESH, PLAIN)).toEqual({
      prediction,
      proved: true,
      disagreement: undefined,
    });
  });
});

describe("a dry run that disagrees counts, with a warning", () => {
  test.each<[what: string, prediction: Prediction, dryRun: DryRun, kind: string, message: string]>([
    [
      "another image",
      injected,
      { ...POD, image: "x/proxyv2:v9" },
      "injected",
      `predicted ${TARGET} of asm-1-27, but the API server's dry run gives x/proxyv2:v9 of asm-1-27; the dry run wins`,
    ],
    [
      "no sidecar",
      injected,
      NO_SIDECAR,
      "none",
      `predicted ${TARGET} of asm-1-27, but the API server's dry run gives no sidecar; the dry run wins`,
    ],
    [
      "a rejection",
      injected,
      REFUSED,
      "rejected",
      `predicted ${TARGET} of asm-1-27, but the API server's dry run gives a rejection; the dry run wins`,
    ],
    [
      "a sidecar",
      none,
      POD,
      "injected",
      `predicted no sidecar, but the API server's dry run gives ${TARGET} of asm-1-27; the dry run wins`,
    ],
  ])("%s", (_what, prediction, dryRun, kind, message) => {
    const result = applyProof(prediction, dryRun, MESH, PLAIN);
    expect(result.prediction.kind).toBe(kind);
    expect(result.disagreement).toEqual({ code: "proof-differs", message });
  });
});

test.each<[what: string, dryRun: DryRun, kind: string]>([
  ["a sidecar", POD, "injected"],
  ["no sidecar", NO_SIDECAR, "none"],
  ["a rejection", REFUSED, "rejected"],
])("a dry run with %s decides an unknown prediction without a warning", (_what, dryRun, kind) => {
  const result = applyProof(unknown, dryRun, MESH, PLAIN);
  expect([result.prediction.kind, result.proved, result.disagreement]).toEqual([
    kind,
    true,
    undefined,
  ]);
});

const OWN = podTemplate({ proxy: { image: "custom:1", args: [], confined: false } });

test.each<[what: string, message: string, kind: string, template?: PodTemplate]>([
  [
    "for a reason of its own",
    'pods "x" is forbidden: violates PodSecurity (container "app" must ...)',
    "none",
  ],
  [
    "by an injector",
    'failed calling webhook "rev.namespace.sidecar-injector.istio.io"',
    "rejected",
  ],
  [
    "for an injected container",
    'violates PodSecurity (container "istio-init" must not ...)',
    "rejected",
  ],
  ["for an injected proxy", 'violates PodSecurity (container "istio-proxy" must ...)', "rejected"],
  ["for its own proxy", 'violates PodSecurity (container "istio-proxy" must ...)', "none", OWN],
  [
    "for a second proxy",
    'spec.containers[2].name: Duplicate value: "istio-proxy"',
    "rejected",
    OWN,
  ],
])("a dry run rejected %s, given the prediction of no sidecar", (...row) => {
  const [, message, kind, template = PLAIN] = row;
  const result = applyProof(none, { kind: "refused", message }, MESH, template);
  expect([result.prediction.kind, result.proved]).toEqual([kind, kind === "rejected"]);
  expect(result.disagreement).toMatchObject(
    kind === "rejected"
      ? { code: "proof-differs" }
      : {
          code: "otherwise-blocked",
          message: `the API server rejected a dry run: ${message}`,
        },
  );
});

test("a rejection by PodSecurity has a code of its own", () => {
  const message = 'pods "p-x" is forbidden: violates PodSecurity "restricted:latest": ...';
  expect(applyProof(injected, { kind: "refused", message }, MESH, PLAIN).prediction).toMatchObject({
    finding: { code: "pod-security" },
  });
  expect(applyProof(injected, REFUSED, MESH, PLAIN).prediction).toMatchObject({
    finding: { code: "pod-refused" },
  });
  const place = namespace("shop", { rev: "asm-1-27" });
  const labels = { ...place.labels, "pod-security.kubernetes.io/enforce": "restricted" };
  const predictedRejection = predictInjection(PLAIN, { ...place, labels }, MESH);
  expect(predictedRejection).toMatchObject({ kind: "rejected", finding: { code: "pod-security" } });
  const proved = applyProof(predictedRejection, { kind: "refused", message }, MESH, PLAIN);
  expect(proved.disagreement).toBeUndefined();
  expect(proved.prediction).toHaveProperty(
    "finding.reason",
    `the API server rejected a dry run: ${message}`,
  );
});

test.each<[what: string, template: TemplateOptions, image: string, pin: unknown]>([
  [
    "an annotation",
    { annotations: { "sidecar.istio.io/proxyImage": "x/proxyv2:v9" } },
    "x/proxyv2:v9",
    { by: "annotation" },
  ],
  ["a container of the template", { proxy: { image: "own:1" } }, "own:1", { by: "container" }],
])("a pin by %s is reported with the image without the pin", (_what, options, image, pin) => {
  const template = podTemplate(options);
  for (const prediction of [injected, unknown]) {
    for (const unpinned of [TARGET, image, undefined]) {
      const proved = applyProof(prediction, { ...POD, image, unpinned }, MESH, template).prediction;
      expect(proved).toMatchObject({ kind: "injected", image, pin, unpinned });
    }
  }
});

test("without a pin, the image is the revision's own, also for a gateway with the image auto", () => {
  for (const template of [PLAIN, podTemplate({ proxy: { image: "auto" } })]) {
    expect(applyProof(unknown, POD, MESH, template).prediction).toMatchObject({
      pin: undefined,
      unpinned: TARGET,
    });
  }
});

describe("a dry run of a template that was injected by hand", () => {
  const OLD = proxyImage("v1.27.7-1");
  const byHand = podTemplate({
    annotations: { "sidecar.istio.io/status": "{}", "istio.io/rev": "asm-1-27" },
    proxy: { image: OLD },
  });
  const prediction = predictInjection(byHand, namespace("shop", { rev: "asm-1-27" }), MESH);
  const prove = (dryRun: DryRun, mesh = MESH) => applyProof(prediction, dryRun, mesh, byHand);

  test("is needed: the rules leave the outcome open", () => {
    expect(prediction).toMatchObject({ kind: "unknown", finding: { code: "injected-by-hand" } });
    const elsewhere = predictInjection(byHand, namespace("shop"), MESH);
    expect(elsewhere).toEqual(prediction);
  });

  test("shows no pin if a webhook replaces its sidecar", () => {
    expect(prove(POD)).toMatchObject({
      proved: true,
      disagreement: undefined,
      prediction: { kind: "injected", image: TARGET, unpinned: TARGET, pin: undefined },
    });
  });

  test("shows a pin if nothing replaces its sidecar, with the image of its revision", () => {
    const { prediction: kept } = prove({ ...POD, image: OLD });
    expect(kept).toMatchObject({ image: OLD, unpinned: TARGET, pin: { by: "kube-inject" } });
    expect(kept.kind === "injected" && pinFinding(kept)).toEqual({
      code: "pinned-by-kube-inject",
      reason: `the pod template was injected by hand (kube-inject) with ${OLD}, which new pods keep; asm-1-27 gives ${TARGET}`,
      nextStep:
        "inject the original manifest again, or apply it without a sidecar and let a revision inject it",
    });
  });

  test.each([
    ["another registry", "mirror.test/oss/v2/istio/proxyv2:v1.27.7-1"],
    ["a digest", `${OLD}@sha256:${"4f".repeat(32)}`],
  ])("shows a pin if a policy gives its image %s", (_what, image) => {
    const { prediction: kept } = prove({ ...POD, image });
    expect(kept).toMatchObject({ image, unpinned: TARGET, pin: { by: "kube-inject" } });
    const gone = prove({ ...POD, image, revision: "asm-1-26" }).prediction;
    expect(gone).toMatchObject({ finding: { code: "injected-by-hand-gone" } });
    // The revision gives the same version, which the policy moves, too.
    const same = prove({ ...POD, image }, meshOf("v1.27.7-1")).prediction;
    expect(same).toMatchObject({ image, pin: undefined });
  });

  test("shows no pin that matters if its revision gives the same image", () => {
    const { prediction: kept } = prove({ ...POD, image: OLD }, meshOf("v1.27.7-1"));
    expect(kept.kind === "injected" && pinFinding(kept)).toBeUndefined();
  });

  test("shows a rejection if its revision is gone: the sidecar would find no control plane", () => {
    const gone = prove({ ...POD, image: OLD, revision: "asm-1-26" }).prediction;
    expect(gone).toMatchObject({ kind: "rejected", finding: { code: "injected-by-hand-gone" } });
    const unread = { ...MESH, revisionsUnread: true };
    expect(prove({ ...POD, image: OLD, revision: "asm-1-26" }, unread).prediction.kind).toBe(
      "injected",
    );
  });
});
