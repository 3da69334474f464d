import { describe, expect, test } from "vitest";
import { warningsFor } from "../../../src/mesh/warnings.ts";
import type { Workload } from "../../../src/snapshot.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment, statefulSet } from "../../support/build/workload.ts";

const IMAGE = proxyImage("v1.27.7-1");
const ONE = [sidecars(1, IMAGE)];
const TWO = [sidecars(2, IMAGE)];
const FLUX = { "kustomize.toolkit.fluxcd.io/name": "apps" };
const ARGO = { "argocd.argoproj.io/tracking-id": "web:apps/Deployment:shop/web" };

function codes(workload: Workload, restarts: boolean): readonly string[] {
  return warningsFor(workload, workload.pods, restarts).map(({ code }) => code);
}

describe("a restart of", () => {
  test.each<[what: string, workload: Workload, expected: readonly string[]]>([
    ["a plain workload warns of nothing", deployment("web", { pods: TWO }), []],
    ["one replica with surge warns of nothing", deployment("web", { pods: ONE }), []],
    [
      "one replica without surge",
      deployment("web", { pods: ONE, rollout: { surge: 0 } }),
      ["single-replica"],
    ],
    [
      "two replicas without surge warns of nothing",
      deployment("web", { pods: TWO, rollout: { surge: 0 } }),
      [],
    ],
    ["a StatefulSet of one warns of nothing: it is refused", statefulSet("db", { pods: ONE }), []],
    [
      "a workload without readiness probe",
      deployment("web", { pods: TWO, template: { probed: false } }),
      ["no-readiness-probe"],
    ],
    [
      "a workload whose template is unread warns of nothing",
      deployment("web", { pods: TWO, template: null }),
      [],
    ],
    [
      "what Flux's kustomize-controller owns",
      deployment("web", { pods: TWO, labels: FLUX }),
      ["flux"],
    ],
    [
      "what Flux's helm-controller owns",
      deployment("web", { pods: TWO, labels: { "helm.toolkit.fluxcd.io/name": "x" } }),
      ["flux"],
    ],
    [
      "what only has a label that looks like Flux's",
      deployment("web", { pods: TWO, labels: { "fluxcd.io/name": "x" } }),
      [],
    ],
    ["what Argo CD owns", deployment("web", { pods: TWO, annotations: ARGO }), ["argo-cd"]],
    [
      "pods of which some are bare",
      deployment("web", { pods: [...TWO, bare(1)] }),
      ["some-without-sidecar"],
    ],
    ["pods that are all bare warns of nothing", deployment("web", { pods: [bare(2)] }), []],
    [
      "pods of which some are terminating",
      deployment("web", { pods: TWO, terminating: 2 }),
      ["terminating"],
    ],
  ])("%s", (_what, workload, expected) => {
    expect(codes(workload, true)).toEqual(expected);
  });
});

test.each([
  [1, "1 terminating pod is left out of the verdict"],
  [2, "2 terminating pods are left out of the verdict"],
])("%i terminating", (terminating, message) => {
  const workload = deployment("web", { pods: TWO, terminating });
  expect(warningsFor(workload, workload.pods, false)).toEqual([{ code: "terminating", message }]);
});

test("without a restart only what bears on the verdict is said", () => {
  const workload = deployment("web", {
    pods: [sidecars(1, IMAGE)],
    terminating: 1,
    labels: FLUX,
    annotations: ARGO,
    template: { probed: false },
    rollout: { surge: 0 },
  });
  expect(codes(workload, true)).toEqual([
    "terminating",
    "single-replica",
    "no-readiness-probe",
    "flux",
    "argo-cd",
  ]);
  expect(codes(workload, false)).toEqual(["terminating"]);
});
