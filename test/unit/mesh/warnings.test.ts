import { describe, expect, test } from "vitest";
import {
  budgetWarning,
  claimWarning,
  repeatWarning,
  warningsFor,
} from "../../../src/mesh/warnings.ts";
import { type Budget, type Claim, RESTARTED_AT, type Workload } from "../../../src/snapshot.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { argoRollout, daemonSet, deployment, statefulSet } from "../../support/build/workload.ts";

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
      "one replica without surge, which needs consent instead",
      deployment("web", { pods: ONE, rollout: { surge: 0, unavailable: 1 } }),
      [],
    ],
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
  expect(codes(workload, true)).toEqual(["terminating", "no-readiness-probe", "flux", "argo-cd"]);
  expect(codes(workload, false)).toEqual(["terminating"]);
});

test.each<[what: string, workload: Workload, warned: boolean]>([
  ["was never restarted", deployment("web", { pods: TWO }), false],
  ["was restarted earlier", restartedAt("2026-11-21T20:00:00Z"), false],
  ["was restarted since", restartedAt("2026-11-21T20:00:01Z"), true],
  ["has a time that cannot be read", restartedAt("yesterday"), false],
])(
  "a restart of a current workload that %s counts if it is a repetition",
  (_what, workload, warned) => {
    const found = repeatWarning(workload, Date.parse("2026-11-22T20:00:00Z"));
    expect(found.map(({ code }) => code)).toEqual(warned ? ["restarted-recently"] : []);
  },
);

function restartedAt(time: string): Workload {
  return deployment("web", { pods: TWO, template: { annotations: { [RESTARTED_AT]: time } } });
}

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

describe("the warning of a claim that only one pod or node can use", () => {
  const once = { name: "disk", accessModes: ["ReadWriteOnce"] };
  const pod = { name: "disk", accessModes: ["ReadWriteOncePod"] };
  const many = { name: "files", accessModes: ["ReadWriteMany"] };
  const waits = (where: string) => `a new pod${where} cannot start while an old pod uses it`;
  test.each<[what: string, workload: Workload, claims: readonly Claim[], expected: string[]]>([
    [
      "surge",
      deployment("web", { pods: ONE, rollout: { unavailable: 0 } }),
      [many, once],
      [`its claim disk is ReadWriteOnce: ${waits(" on another node")}`],
    ],
    [
      "a claim for one pod",
      deployment("web", { pods: ONE, rollout: { unavailable: 0 } }),
      [pod],
      [`its claim disk is ReadWriteOncePod: ${waits("")}`],
    ],
    [
      "no surge, but a second old pod",
      deployment("web", { pods: TWO, rollout: { surge: 0, unavailable: 1 } }),
      [once],
      [`its claim disk is ReadWriteOnce: ${waits(" on another node")}`],
    ],
    ["Recreate", deployment("web", { pods: ONE, rollout: { unavailable: 1 } }), [once], []],
    ["a shared claim", deployment("web", { pods: ONE, rollout: { unavailable: 0 } }), [many], []],
    [
      "a claim that several nodes may use, too",
      deployment("web", { pods: ONE, rollout: { unavailable: 0 } }),
      [{ name: "disk", accessModes: ["ReadWriteOnce", "ReadWriteMany"] }],
      [],
    ],
    ["no claim", deployment("web", { pods: ONE, rollout: { unavailable: 0 } }), [], []],
    ["a StatefulSet, whose old pod ends first", statefulSet("db", { pods: ONE }), [once], []],
    ["a DaemonSet, whose pods stay on their nodes", daemonSet("ds", { pods: ONE }), [once], []],
    ["a Rollout, which evicts", argoRollout("ro", { pods: ONE }), [once], []],
  ])("with %s", (_what, workload, claims, expected) => {
    expect(claimWarning(workload, claims).map(({ message }) => message)).toEqual(expected);
  });
});

describe("the warning of a budget that allows no eviction", () => {
  const labels = { app: "web" };
  const budget = (name: string, allowed: number, app = "web"): Budget => ({
    name,
    selector: { matchLabels: { app } },
    allowed,
  });
  const evicts = "and Argo Rollouts evicts pods to restart them";
  const rollout = argoRollout("ro", { pods: TWO, template: { labels } });
  test.each<[what: string, workload: Workload, budgets: readonly Budget[], expected: string[]]>([
    [
      "for a Rollout",
      rollout,
      [budget("other", 0, "api"), budget("web", 0)],
      [`the PodDisruptionBudget web allows no eviction, ${evicts}`],
    ],
    [
      "that selects every pod",
      rollout,
      [{ name: "all", selector: {}, allowed: 0 }],
      [`the PodDisruptionBudget all allows no eviction, ${evicts}`],
    ],
    [
      "because there are two",
      rollout,
      [budget("one", 1), budget("two", 1)],
      [
        `the PodDisruptionBudgets one and two select the same pods, which allows no eviction, ${evicts}`,
      ],
    ],
    ["unless it allows one", rollout, [budget("web", 1)], []],
    ["unless it selects other pods", rollout, [budget("api", 0, "api")], []],
    [
      "unless a rolling update replaces the pods",
      deployment("web", { pods: TWO, template: { labels } }),
      [budget("web", 0)],
      [],
    ],
  ])("%s", (_what, workload, budgets, expected) => {
    expect(budgetWarning(workload, budgets).map(({ message }) => message)).toEqual(expected);
  });
});
