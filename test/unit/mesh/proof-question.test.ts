import { describe, expect, test } from "vitest";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { isComposed, type ProofQuestion, proofQuestion } from "../../../src/mesh/proof-need.ts";
import type { PodGroup, ProxyConfig, Workload } from "../../../src/snapshot.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { controlPlane, type RevisionOptions } from "../../support/build/control-plane.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  daemonSet,
  deployment,
  otherWorkload,
  statefulSet,
  type WorkloadOptions,
} from "../../support/build/workload.ts";

const CHANGED_AT = "2026-11-28T10:00:00Z";
const [BEFORE, SAME, AFTER] = [
  "2026-11-28T09:59:59Z",
  "2026-11-28T10:00:00Z",
  "2026-11-28T10:00:01Z",
];
const [OLD, NEW] = [proxyImage("v1.27.7-1"), proxyImage("v1.27.9-6")];
const AKS: RevisionOptions = { name: "asm-1-27", values: { image: NEW } };
const COMPOSED: RevisionOptions = {
  name: "asm-1-27",
  values: { hub: "docker.io/istio", tag: "1.27.9", image: "proxyv2" },
};
const PLAIN = "docker.io/istio/proxyv2:1.27.9";

function questionOf(
  workload: Workload,
  {
    revision = AKS,
    configs = [],
  }: { readonly revision?: RevisionOptions; readonly configs?: readonly ProxyConfig[] | null } = {},
): ProofQuestion | undefined {
  const mesh = resolveMesh(controlPlane({ revisions: [revision], changedAt: CHANGED_AT }));
  return proofQuestion(assessmentOf(workload, { mesh }), mesh, configs ?? undefined);
}

/** `target`: one answer for all namespaces; `namespace`: one for each; then the code without one. */
function summaryOf(question: ProofQuestion | undefined): string {
  if (question === undefined) return "none";
  const scope = question.targetKey === undefined ? "namespace" : "target";
  return [scope, question.unproved?.("why").code].filter(Boolean).join(" ");
}

const PINNED = proxyImage("v1.27.8-1");
const web = (...pods: PodGroup[]) => deployment("web", { pods });
const MIRROR = "mirror.example.com/oss/v2/istio/proxyv2";

describe("the question that running pods raise", () => {
  test.each<[what: string, pods: readonly PodGroup[], expected: string]>([
    ["on target", [sidecars(2, NEW)], "none"],
    ["without a sidecar", [bare(2)], "namespace"],
    ["some without a sidecar", [sidecars(1, NEW), bare(1)], "namespace"],
    ["a patch behind", [sidecars(2, OLD)], "target"],
    ["a patch behind, created before the target changed", [at(OLD, BEFORE)], "target"],
    ["a patch behind, created as the target changed", [at(OLD, SAME)], "target"],
    ["a patch behind, created later", [at(OLD, AFTER)], "namespace nothing-newer"],
    [
      "a minor behind, created later",
      [at(proxyImage("v1.26.1-1"), AFTER)],
      "namespace nothing-newer",
    ],
    ["ahead, created later", [at(proxyImage("v1.27.10-1"), AFTER)], "namespace nothing-newer"],
    ["of another revision, created later", [at(OLD, AFTER, "asm-1-26")], "target"],
    ["of the same image and another revision", [at(NEW, AFTER, "asm-1-26")], "target"],
    [
      "of an unknown revision, created later",
      [sidecars(2, OLD, { newest: AFTER, revision: undefined })],
      "target",
    ],
    ["from a mirror", [sidecars(2, `${MIRROR}:v1.27.9-6`)], "namespace image-rewritten"],
    [
      "from a mirror and a patch behind",
      [sidecars(2, `${MIRROR}:v1.27.7-1`)],
      "namespace image-rewritten",
    ],
    [
      "from another path and a patch behind",
      [sidecars(2, "mcr.microsoft.com/other/proxyv2:v1.27.7-1")],
      "namespace image-rewritten",
    ],
    [
      "with a digest and a patch behind",
      [sidecars(2, `${OLD}@sha256:aa`)],
      "namespace image-rewritten",
    ],
    ["with a digest", [sidecars(2, `${NEW}@sha256:aa`)], "namespace image-rewritten"],
    [
      "with only a digest",
      [sidecars(2, `${proxyImage("v1")}@sha256:aa`)],
      "namespace image-rewritten",
    ],
    [
      "with another name",
      [sidecars(2, "corp.example.com/sidecar:v1.27.9-6")],
      "namespace image-rewritten",
    ],
    ["with another image type", [sidecars(2, `${NEW}-distroless`)], "namespace image-rewritten"],
    [
      "from a mirror, of another revision",
      [at(`${MIRROR}:v1.27.9-6`, BEFORE, "asm-1-26")],
      "namespace image-rewritten",
    ],
    [
      "from another path, of a revision that is gone",
      [at("mcr.microsoft.com/oss/istio/proxyv2:v1.26.1-1", BEFORE, "asm-1-26")],
      "namespace",
    ],
    [
      "from a mirror, some a patch behind",
      [sidecars(1, `${MIRROR}:v1.27.9-6`), sidecars(1, OLD)],
      "namespace image-rewritten",
    ],
    [
      "created later, some before",
      [at(OLD, BEFORE), at(proxyImage("v1.27.8-1"), AFTER)],
      "namespace",
    ],
  ])("%s", (_what, pods, expected) => {
    expect(summaryOf(questionOf(web(...pods)))).toBe(expected);
  });

  test.each<[what: string, Workload]>([
    ["a StatefulSet", statefulSet("db", { pods: [at(OLD, AFTER)] })],
    ["a DaemonSet", daemonSet("agent", { pods: [at(OLD, AFTER)] })],
    ["a Job", otherWorkload("Job", "report", { pods: [at(OLD, AFTER)] })],
    ["a bare pod", otherWorkload("Pod", "bare", { pods: [at(OLD, AFTER, "asm-1-27", 1)] })],
  ])("is the same for %s", (_what, workload) => {
    expect(summaryOf(questionOf(workload))).toBe("namespace nothing-newer");
  });

  test("is about nothing that an annotation excludes", () => {
    const annotations = { "istio-upgrade/exclude": "true" };
    const workload = deployment("web", { pods: [at(OLD, AFTER)], annotations });
    expect(questionOf(workload)).toBeUndefined();
  });

  test("does not blame the revision for a pinned image", () => {
    const template = { annotations: { "sidecar.istio.io/proxyImage": proxyImage("v1.27.8-1") } };
    const workload = deployment("web", { pods: [at(OLD, AFTER)], template });
    expect(summaryOf(questionOf(workload))).toBe("target");
  });

  test.each<[what: string, pin: string, running: string, expected: string]>([
    ["its registry", PINNED, `mirror.example.com/${PINNED}`, "namespace image-rewritten"],
    ["its digest", PINNED, `${PINNED}@sha256:${"4f".repeat(32)}`, "namespace image-rewritten"],
    ["its version", PINNED, proxyImage("v1.27.7-1"), "target"],
    ["a tag without a version", "x/proxyv2:v9", "y/proxyv2:v8", "namespace image-rewritten"],
  ])("a policy may change a pinned image, too: %s differs", (_what, pin, running, expected) => {
    const template = { annotations: { "sidecar.istio.io/proxyImage": pin } };
    const workload = deployment("web", { pods: [sidecars(1, running)], template });
    expect(summaryOf(questionOf(workload))).toBe(expected);
  });

  test.each<[what: string, image: string, expected: string]>([
    ["the registry of their revision", "docker.io/istio/proxyv2:1.26.1", "namespace"],
    ["another registry", "mirror.example.com/istio/proxyv2:1.26.1", "namespace image-rewritten"],
    ["the registry of the target", proxyImage("v1.26.1-1"), "target"],
  ])("compares pods of another revision with %s", (_what, image, expected) => {
    const old: RevisionOptions = {
      name: "asm-1-26",
      values: { hub: "docker.io/istio", tag: "1.26.2", image: "proxyv2" },
    };
    const mesh = resolveMesh(controlPlane({ revisions: [AKS, old], changedAt: CHANGED_AT }));
    const workload = web(at(image, BEFORE, "asm-1-26"));
    const question = proofQuestion(assessmentOf(workload, { mesh }), mesh, []);
    expect(summaryOf(question)).toBe(expected);
  });

  test.each<["true" | "false" | "auto", native: boolean, expected: string]>([
    ["true", false, "namespace"],
    ["true", true, "none"],
    ["false", true, "namespace"],
    ["auto", false, "none"],
  ])(
    "is the mode if istiod is set to native=%s and a sidecar is native=%s",
    (set, native, expected) => {
      const revision = { ...AKS, native: set };
      expect(summaryOf(questionOf(web(sidecars(1, NEW, { native })), { revision }))).toBe(expected);
    },
  );
});

describe("ProxyConfigs", () => {
  const inShop = { namespace: "shop", name: "debug", selector: {} };
  const ofApp = { ...inShop, selector: { app: "web" } };

  test.each<[what: string, configs: readonly ProxyConfig[] | null, expected: string]>([
    ["none", [], "none"],
    ["one for the namespace", [inShop], "namespace proxy-config"],
    ["one for other pods", [{ ...inShop, selector: { app: "api" } }], "none"],
    ["one for these pods", [ofApp], "namespace proxy-config"],
    ["unread ones", null, "namespace proxy-config"],
  ])("matter for a composed image: %s", (_what, configs, expected) => {
    const workload = deployment("web", {
      pods: [sidecars(1, PLAIN)],
      template: { labels: { app: "web" } },
    });
    expect(summaryOf(questionOf(workload, { revision: COMPOSED, configs }))).toBe(expected);
    expect(summaryOf(questionOf(web(sidecars(1, NEW)), { configs }))).toBe("none");
  });

  test("separate the pods that they apply to from the others", () => {
    const keyOf = (labels: Readonly<Record<string, string>>) => {
      const workload = deployment("web", { pods: [sidecars(1, PLAIN)], template: { labels } });
      return questionOf(workload, {
        revision: COMPOSED,
        configs: [inShop, { ...ofApp, name: "b" }],
      })?.key;
    };
    expect(keyOf({ app: "web" })).not.toBe(keyOf({ app: "api" }));
    expect(keyOf({ app: "api" })).toBe(keyOf({ app: "db" }));
  });

  test.each<[RevisionOptions, annotations: Record<string, string>, composed: boolean]>([
    [AKS, {}, false],
    [COMPOSED, {}, true],
    [COMPOSED, { "sidecar.istio.io/proxyImage": "x/proxyv2:1" }, false],
  ])("are read only for a composed image: %j %j", (revision, annotations, composed) => {
    const mesh = resolveMesh(controlPlane({ revisions: [revision] }));
    const workload = deployment("web", { pods: [sidecars(1, OLD)], template: { annotations } });
    expect(isComposed(assessmentOf(workload, { mesh }))).toBe(composed);
  });
});

describe("the key of a question", () => {
  const keyOf = (options: WorkloadOptions = {}, name = "web") =>
    questionOf(deployment(name, { pods: [at(OLD, AFTER)], ...options }))?.key;

  test.each<[what: string, WorkloadOptions]>([
    ["labels that injection ignores", { template: { labels: { app: "api" } } }],
    ["annotations that injection ignores", { template: { annotations: { "a/istio": "b" } } }],
    ["the number of pods", { pods: [at(OLD, AFTER, "asm-1-27", 9)] }],
  ])("does not depend on %s", (_what, options) => {
    expect(keyOf(options, "api")).toBe(keyOf());
  });

  test.each<[what: string, WorkloadOptions]>([
    ["the namespace", { namespace: "other" }],
    ["the running image", { pods: [at(proxyImage("v1.27.8-1"), AFTER)] }],
    [
      "the chosen template",
      { template: { annotations: { "inject.istio.io/templates": "sidecar" } } },
    ],
    ["the mode", { template: { annotations: { "sidecar.istio.io/nativeSidecar": "true" } } }],
    ["the label of the pod", { template: { labels: { "sidecar.istio.io/inject": "true" } } }],
    ["a sidecar of its own", { template: { proxy: { image: "auto" } } }],
  ])("depends on %s", (_what, options) => {
    expect(keyOf(options)).not.toBe(keyOf());
  });
});

/** Returns pods with the creation time of the newest one. */
function at(image: string, newest: string, revision = "asm-1-27", pods = 2): PodGroup {
  return sidecars(pods, image, { newest, revision });
}
