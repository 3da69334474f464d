import { expect, test } from "vitest";
import { assess } from "../../../src/mesh/assessment.ts";
import { needsProof } from "../../../src/mesh/proof-need.ts";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { NO_CONSENT } from "../../../src/mesh/restartability.ts";
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

test.each<[what: string, workload: Workload, labels: Labels, doubtful: boolean]>([
  ["a plain workload", deployment("web", PODS), {}, false],
  ["one whose templates may collide", deployment("web", { ...PODS, template: TWO }), {}, true],
  ["one under PodSecurity baseline", deployment("web", PODS), enforcing("baseline"), true],
  ["one under PodSecurity restricted", deployment("web", PODS), enforcing("restricted"), true],
  ["one under PodSecurity privileged", deployment("web", PODS), enforcing("privileged"), false],
  [
    "one that is left out anyway",
    deployment("web", { ...PODS, annotations: { "istio-upgrade/exclude": "true" } }),
    enforcing("restricted"),
    false,
  ],
])("%s", (_what, workload, labels, doubtful) => {
  const place = namespace("shop", { rev: "asm-1-27" });
  const assessment = assessmentOf(workload, { mesh: meshOf() });
  expect(needsProof(assessment, { ...place, labels: { ...place.labels, ...labels } })).toBe(
    doubtful,
  );
});

test("a refusal by PodSecurity that was foreseen, for a cluster may exempt it", () => {
  const place = namespace("shop", { rev: "asm-1-27" });
  const enforced = { ...place, labels: { ...place.labels, ...enforcing("baseline") } };
  const policy = { ...NO_CONSENT, excludes: () => undefined };
  const foreseen = assess(deployment("web", PODS), enforced, meshOf(), policy);
  expect(foreseen).toMatchObject({ verdict: "blocked", finding: { code: "pod-security" } });
  expect(needsProof(foreseen, enforced)).toBe(true);
});

test("but no other refusal", () => {
  const template = { annotations: { "inject.istio.io/templates": "nope" } };
  const blocked = assessmentOf(deployment("web", { ...PODS, template }), { mesh: meshOf() });
  expect(blocked?.verdict).toBe("blocked");
  expect(needsProof(blocked, namespace("shop", { rev: "asm-1-27" }))).toBe(false);
});

test("what is undecided, and what is outside the mesh", () => {
  const labels = { rev: "asm-1-27" };
  const undecided = assessmentOf(deployment("web", PODS), { mesh: UNREAD, labels });
  expect(needsProof(undecided, namespace("shop", labels))).toBe(true);
  expect(needsProof(undefined, namespace("shop"))).toBe(false);
});
