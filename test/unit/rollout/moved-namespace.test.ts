import { expect, test } from "vitest";
import { findingAgainstMove, templateNote } from "../../../src/rollout/moved-namespace.ts";
import type { Gap } from "../../../src/snapshot.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";

const LATE = sidecars(1, proxyImage("v1.27.7-1"));
const late = assessmentOf(deployment("web", { pods: [LATE] }));
const lost = assessmentOf(
  deployment("api", {
    pods: [LATE],
    template: { labels: { "sidecar.istio.io/inject": "false" } },
  }),
);
const podless = assessmentOf(deployment("idle", { rollout: { replicas: 2 } }));
const unknown = assessmentOf(deployment("odd", { pods: [LATE], template: null }));
const gap: Gap = {
  verb: "list",
  resource: "pods",
  namespace: "shop",
  reason: "forbidden",
  message: "not allowed to list pods",
  hint: "",
};

test.each([
  ["outdated workloads", [late], [], undefined],
  ["a workload that wants pods and has none", [podless], [], undefined],
  ["a workload that would lose its sidecar", [late, lost], [], "would-lose"],
  ["a workload that cannot be predicted", [late, unknown], [], "unknown"],
  ["something that was not read", [late], [gap], "not-read"],
  [
    "something in another namespace that was not read",
    [late],
    [{ ...gap, namespace: "pay" }],
    undefined,
  ],
] as const)("%s: what is against the move is %#", (_name, assessments, gaps, code) => {
  expect(findingAgainstMove("shop", assessments, gaps)?.code).toBe(code);
});

test("the finding names the workloads, and the next step of the first one", () => {
  const finding = findingAgainstMove("shop", [late, lost], []);
  expect(finding?.reason).toBe(
    "with its new label, new pods in namespace shop would have no sidecar any more: deployment/api: the pod template's label sidecar.istio.io/inject=false opts out of injection",
  );
  expect(finding?.nextStep).toBe(lost.finding.nextStep);
});

test("a pod template that names another revision is noted", () => {
  const named = (label: string) =>
    deployment("web", { pods: [LATE], template: { labels: { "istio.io/rev": label } } });
  const note = (...labels: readonly string[]) =>
    templateNote({ workloads: labels.map(named) }, "asm-1-28", (label) =>
      label === "canary" ? "asm-1-28" : label,
    );
  expect(note("asm-1-28", "canary")).toBeUndefined();
  expect(note("asm-1-27", "canary")).toMatch(
    /^another revision is named in the pod template of shop\/deployment\/web: /,
  );
});
