import { expect, test } from "vitest";
import { assess } from "../../../src/mesh/assessment.ts";
import { needsProof } from "../../../src/mesh/proof-need.ts";
import { type Mesh, resolveMesh } from "../../../src/mesh/mesh.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import type { Labels, Workload } from "../../../src/snapshot.ts";
import { assessmentOf, meshOf } from "../../support/build/assessment.ts";
import { controlPlane } from "../../support/build/control-plane.ts";
import { namespace } from "../../support/build/namespace.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";

const PODS = { pods: [sidecars(1, proxyImage("v1.27.7-1"))] };
const TEMPLATES = "inject.istio.io/templates";
const TWO = { annotations: { [TEMPLATES]: "sidecar,gateway" } };
const UNREAD = resolveMesh(controlPlane({ revisions: [], unread: ["webhooks"] }));

function enforcing(level: string): Labels {
  return { "pod-security.kubernetes.io/enforce": level };
}

test.each<[what: string, workload: Workload, labels: Labels, needed: boolean]>([
  ["a plain workload", deployment("web", PODS), {}, false],
  [
    "a workload with templates that may collide",
    deployment("web", { ...PODS, template: TWO }),
    {},
    true,
  ],
  ["a workload under PodSecurity baseline", deployment("web", PODS), enforcing("baseline"), true],
  [
    "a workload under PodSecurity restricted",
    deployment("web", PODS),
    enforcing("restricted"),
    true,
  ],
  [
    "a workload under PodSecurity privileged",
    deployment("web", PODS),
    enforcing("privileged"),
    false,
  ],
  [
    "an excluded workload",
    deployment("web", { ...PODS, annotations: { "istio-upgrade/exclude": "true" } }),
    enforcing("restricted"),
    false,
  ],
])("a dry run for %s", (_what, workload, labels, needed) => {
  const place = namespace("shop", { rev: "asm-1-27" });
  const assessment = assessmentOf(workload, { mesh: meshOf() });
  expect(needsProof(assessment, { ...place, labels: { ...place.labels, ...labels } })).toBe(needed);
});

test("a predicted rejection by PodSecurity needs a dry run: the cluster may exempt the user", () => {
  const place = namespace("shop", { rev: "asm-1-27" });
  const enforced = { ...place, labels: { ...place.labels, ...enforcing("baseline") } };
  const options = { ...NO_CONSENT, excludes: () => undefined };
  const predicted = assess(deployment("web", PODS), enforced, meshOf(), options);
  expect(predicted).toMatchObject({ verdict: "blocked", finding: { code: "pod-security" } });
  expect(needsProof(predicted, enforced)).toBe(true);
});

test.each<[what: string, workload: Workload, mesh: Mesh, labels: { rev?: string }, code: string]>([
  [
    "a template that the revision lacks",
    deployment("web", { ...PODS, template: { annotations: { [TEMPLATES]: "nope" } } }),
    meshOf(),
    { rev: "asm-1-27" },
    "template-missing",
  ],
  [
    "an image that nothing sets",
    deployment("web", { pods: [bare(1)], template: { proxy: { image: "auto" } } }),
    meshOf(),
    {},
    "image-auto",
  ],
])("a predicted rejection because of %s needs a dry run", (_what, workload, mesh, labels, code) => {
  const blocked = assessmentOf(workload, { mesh, labels });
  expect([blocked?.verdict, blocked?.finding.code]).toEqual(["blocked", code]);
  expect(needsProof(blocked, namespace("shop", labels))).toBe(true);
});

test("a dead webhook needs no dry run, which would only wait for its timeout", () => {
  const image = proxyImage("v1.27.9-6");
  const plane = controlPlane({
    revisions: [{ name: "asm-1-27", values: { image }, state: "dead" }],
  });
  const mesh = resolveMesh(plane);
  const blocked = assessmentOf(deployment("web", PODS), { mesh });
  expect(blocked?.finding.code).toBe("webhook-dead");
  expect(needsProof(blocked, namespace("shop", { rev: "asm-1-27" }))).toBe(false);
});

test.each<[what: string, labels: { rev?: string }]>([
  ["in an injected namespace", { rev: "asm-1-27" }],
  ["in a namespace without labels", {}],
])("a template that was injected by hand needs a dry run %s", (_what, labels) => {
  const template = {
    annotations: { "sidecar.istio.io/status": "{}" },
    proxy: { image: proxyImage("v1.27.7-1") },
  };
  const found = assessmentOf(deployment("web", { ...PODS, template }), { labels });
  expect(found).toMatchObject({ verdict: "unknown", finding: { code: "injected-by-hand" } });
  expect(needsProof(found, namespace("shop", labels))).toBe(true);
});

test("unknown needs a dry run, a workload outside the mesh does not", () => {
  const labels = { rev: "asm-1-27" };
  const undecided = assessmentOf(deployment("web", PODS), { mesh: UNREAD, labels });
  expect(needsProof(undecided, namespace("shop", labels))).toBe(true);
  expect(needsProof(undefined, namespace("shop"))).toBe(false);
});
