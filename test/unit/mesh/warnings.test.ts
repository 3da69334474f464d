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

function codes(workload: Workload, mayRestart: boolean): readonly string[] {
  return warningsFor(workload, workload.pods, mayRestart).map(({ code }) => code);
}

describe("the warnings before a restart of", () => {
  test.each<[what: string, workload: Workload, expected: readonly string[]]>([
    ["a plain workload", deployment("web", { pods: TWO }), []],
    ["one replica with surge", deployment("web", { pods: ONE }), []],
    [
      "one replica without surge",
      deployment("web", { pods: ONE, rollout: { surge: 0 } }),
      ["single-replica"],
    ],
    ["two replicas without surge", deployment("web", { pods: TWO, rollout: { surge: 0 } }), []],
    [
      "a StatefulSet with one replica, which needs consent instead",
      statefulSet("db", { pods: ONE }),
      [],
    ],
    [
      "a workload without a readiness probe",
      deployment("web", { pods: TWO, template: { probed: false } }),
      ["no-readiness-probe"],
    ],
    ["a workload with an unread template", deployment("web", { pods: TWO, template: null }), []],
    [
      "a workload of Flux's kustomize-controller",
      deployment("web", { pods: TWO, labels: FLUX }),
      ["flux"],
    ],
    [
      "a workload of Flux's helm-controller",
      deployment("web", { pods: TWO, labels: { "helm.toolkit.fluxcd.io/name": "x" } }),
      ["flux"],
    ],
    [
      "a workload with a label similar to Flux's",
      deployment("web", { pods: TWO, labels: { "fluxcd.io/name": "x" } }),
      [],
    ],
    [
      "a workload that another object controls",
      {
        ...deployment("web", { pods: TWO }),
        controller: { kind: "RestateDeployment", name: "greeter" },
      },
      ["operator"],
    ],
    ["a workload of Argo CD", deployment("web", { pods: TWO, annotations: ARGO }), ["argo-cd"]],
    [
      "pods, some of them without a sidecar",
      deployment("web", { pods: [...TWO, bare(1)] }),
      ["some-without-sidecar"],
    ],
    ["pods, all of them without a sidecar", deployment("web", { pods: [bare(2)] }), []],
    [
      "pods, some of them terminating",
      deployment("web", { pods: TWO, terminating: 2 }),
      ["terminating"],
    ],
  ])("%s", (_what, workload, expected) => {
    expect(codes(workload, true)).toEqual(expected);
  });
});

test.each([
  [1, "1 terminating pod is not counted in the verdict"],
  [2, "2 terminating pods are not counted in the verdict"],
])("counts %i terminating pods", (terminating, message) => {
  const workload = deployment("web", { pods: TWO, terminating });
  expect(warningsFor(workload, workload.pods, false)).toEqual([{ code: "terminating", message }]);
});

test("without a restart, only warnings about the verdict remain", () => {
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

test("the warning about an operator names it, and ways out", () => {
  const controller = { kind: "Revision", name: "hello-00001" };
  const owned = { ...deployment("web", { pods: TWO }), controller };
  expect(warningsFor(owned, owned.pods, true)).toEqual([
    {
      code: "operator",
      message:
        "Revision hello-00001 controls it, and may revert the restart: if so, restart it through hello-00001, delete its pods one at a time, or exclude it",
    },
  ]);
  expect(codes(owned, false)).toEqual([]);
});
