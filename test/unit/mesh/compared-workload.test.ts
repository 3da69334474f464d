import { describe, expect, test } from "vitest";
import { contradictsTarget, hasComparedPods } from "../../../src/mesh/compared-workload.ts";
import type { Drift } from "../../../src/mesh/drift.ts";
import type { Workload } from "../../../src/snapshot.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";

const [LATE, TARGET] = [proxyImage("v1.27.7-1"), proxyImage("v1.27.9-6")];
const PROXY = "spec.containers[istio-proxy]";

describe("the pods of a workload are compared", () => {
  const late = deployment("web", { pods: [sidecars(2, LATE)] });
  test.each<[what: string, workload: Workload, rev: string, expected: boolean]>([
    ["if it is outdated", late, "asm-1-27", true],
    ["if it is current", deployment("web", { pods: [sidecars(2, TARGET)] }), "asm-1-27", true],
    ["but not if a restart would lose the sidecar", late, "asm-1-26", false],
    ["but not without a sidecar", deployment("web", { pods: [bare(2)] }), "asm-1-27", false],
  ])("%s", (_what, workload, rev, expected) => {
    expect(hasComparedPods(assessmentOf(workload, { labels: { rev } }))).toBe(expected);
  });
});

describe("a dry run contradicts the prediction", () => {
  const found = assessmentOf(deployment("web", { pods: [sidecars(2, LATE)] }));
  const image = (to: string): Drift => ({
    path: `${PROXY}.image`,
    what: "proxy-image",
    from: LATE,
    to,
  });
  const sidecar = (from: string | null, to: string | null): Drift => ({
    path: PROXY,
    what: "interception",
    from,
    to,
  });
  test.each<[what: string, drift: Drift[] | undefined, expected: boolean]>([
    ["by another image", [image(proxyImage("v1.27.8-1"))], true],
    ["by the absence of the sidecar", [sidecar(null, null)], true],
    ["but not by the predicted image", [image(TARGET)], false],
    ["but not by another mode", [sidecar("ordinary", "native")], false],
    ["but not if it is unknown", undefined, false],
  ])("%s", (_what, drift, expected) => {
    expect(contradictsTarget(found, drift)).toBe(expected);
    expect(contradictsTarget({ ...found, proved: true }, drift)).toBe(false);
  });
});
