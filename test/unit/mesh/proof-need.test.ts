import { expect, test } from "vitest";
import { assess } from "../../../src/mesh/assessment.ts";
import { needsProof } from "../../../src/mesh/proof-need.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import type { Labels, Workload } from "../../../src/snapshot.ts";
import { assessmentOf, meshOf } from "../../support/build/assessment.ts";
import { controlPlane } from "../../support/build/control-plane.ts";
import { namespace } from "../../support/build/namespace.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";

const PODS = { pods: [sidecars(1, proxyImage("v1.27.7-1"))] };
const TWO = { annotations: { "inject.istio.io/templates": "sidecar,gateway" } };
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

test("other predicted rejections need no dry run", () => {
  const template = { annotations: { "inject.istio.io/templates": "nope" } };
  const blocked = assessmentOf(deployment("web", { ...PODS, template }), { mesh: meshOf() });
  expect(blocked?.verdict).toBe("blocked");
  expect(needsProof(blocked, namespace("shop", { rev: "asm-1-27" }))).toBe(false);
});

test("unknown needs a dry run, a workload outside the mesh does not", () => {
  const labels = { rev: "asm-1-27" };
  const undecided = assessmentOf(deployment("web", PODS), { mesh: UNREAD, labels });
  expect(needsProof(undecided, namespace("shop", labels))).toBe(true);
  expect(needsProof(undefined, namespace("shop"))).toBe(false);
});
