import { describe, expect, test } from "vitest";
import { isWanted, planRestart } from "../../../src/rollout/plan.ts";
import type { Assessment } from "../../../src/mesh/assessment.ts";
import { VERDICTS } from "../../../src/mesh/verdict.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import { RESTARTED_AT, type Workload } from "../../../src/snapshot.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { bare, crashing, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  AKS_GATEWAY,
  argoRollout,
  daemonSet,
  deployment,
  otherWorkload,
  statefulSet,
} from "../../support/build/workload.ts";

const TARGET = proxyImage("v1.27.9-6");
const LATE = proxyImage("v1.27.7-1");

function late(namespace: string, name: string): Workload {
  return deployment(name, { namespace, pods: [sidecars(2, LATE)] });
}

const NOW = Date.parse("2026-11-26T20:00:00Z");
const TIMEOUT = 600_000;

function planFor(assessments: readonly Assessment[], consent = NO_CONSENT) {
  return planRestart(assessments, consent, NOW, TIMEOUT);
}

/** `namespace/name` of each step, in order. */
function order(workloads: readonly Workload[], consent = NO_CONSENT): readonly string[] {
  const assessments = workloads.map((workload) => assessmentOf(workload));
  return planFor(assessments, consent).steps.map(({ ref }) => `${ref.namespace}/${ref.name}`);
}

test("namespaces take turns, and each keeps its own order", () => {
  const workloads = [
    late("a", "1"),
    late("a", "2"),
    late("a", "3"),
    late("b", "1"),
    late("c", "1"),
    late("c", "2"),
  ];
  expect(order(workloads)).toEqual(["a/1", "b/1", "c/1", "a/2", "c/2", "a/3"]);
});

test("rolling workloads come first, then healthy ones, and namespaces take turns in each group", () => {
  const unready = (namespace: string, name: string) =>
    deployment(name, { namespace, pods: [{ ...sidecars(2, LATE), ready: 1 }] });
  const rolling = deployment("rolling", {
    namespace: "a",
    pods: [sidecars(2, LATE)],
    rollout: { status: { replicas: 3, updated: 1, available: 2 } },
  });
  const world = [unready("a", "ill"), late("a", "1"), rolling, late("a", "2"), late("b", "1")];
  expect(order([...world, unready("c", "ill")])).toEqual([
    "a/rolling",
    "a/1",
    "b/1",
    "a/2",
    "a/ill",
    "c/ill",
  ]);
});

test("a step counts as many pods as a rolling update replaces at a time", () => {
  const pods = (workload: Workload) =>
    planFor([assessmentOf(workload, { policy: { downtime: true } })]).steps.map(
      ({ podsAtOnce }) => podsAtOnce,
    );
  const twenty = { pods: [sidecars(20, LATE)] };
  expect(pods(deployment("web", { ...twenty, rollout: { surge: 5, unavailable: 5 } }))).toEqual([
    10,
  ]);
  expect(pods(deployment("web", { ...twenty, rollout: { surge: 20, unavailable: 20 } }))).toEqual([
    20,
  ]);
  expect(pods(statefulSet("db", twenty))).toEqual([1]);
});

test("a plan is empty if there is nothing to do", () => {
  expect(planFor([])).toEqual({ steps: [], waits: [], leftOut: [] });
});

test("a step has the old and new images, and knows if there is a sidecar to lose", () => {
  const mixed = deployment("web", { pods: [sidecars(2, LATE), bare(1)] });
  expect(planFor([assessmentOf(mixed)]).steps).toEqual([
    {
      ref: { namespace: "shop", kind: "Deployment", name: "web", uid: "shop-deployment-web" },
      verdict: "outdated",
      from: [
        { image: LATE, revision: "asm-1-27", pods: 2 },
        { image: undefined, revision: undefined, pods: 1 },
      ],
      to: { revision: "asm-1-27", image: TARGET },
      hadSidecar: true,
      podsAtOnce: 1,
      template: undefined,
    },
  ]);
  const without = deployment("web", { pods: [bare(1)] });
  const { steps } = planFor([assessmentOf(without)], { ...NO_CONSENT, missing: true });
  expect(steps.map(({ hadSidecar }) => hadSidecar)).toEqual([false]);
});

describe("a plan restarts the wanted workloads, and leaves out the others with a reason", () => {
  const world = [
    assessmentOf(late("a", "outdated")),
    assessmentOf(deployment("missing", { pods: [bare(2)] })),
    assessmentOf(deployment("current", { pods: [sidecars(2, TARGET)] }), {
      policy: { current: true },
    }),
    assessmentOf(deployment("lost", { pods: [sidecars(2, LATE)] }), { labels: {} }),
    assessmentOf(statefulSet("single", { pods: [sidecars(1, LATE)] })),
    assessmentOf(otherWorkload("Pod", "by-hand", { pods: [sidecars(1, LATE)] })),
    assessmentOf(deployment("unknown", { rollout: { replicas: 2 } })),
    assessmentOf(deployment("left", { pods: [sidecars(1, LATE)] }), {
      policy: { excludes: () => "it" },
    }),
    assessmentOf(deployment("gw", { ...AKS_GATEWAY, pods: [sidecars(1, LATE)] })),
  ];

  test.each([
    [NO_CONSENT, ["outdated"], ["missing", "lost", "single", "by-hand", "unknown"]],
    [
      { ...NO_CONSENT, missing: true },
      ["outdated", "missing"],
      ["lost", "single", "by-hand", "unknown"],
    ],
    [
      { ...NO_CONSENT, current: true },
      ["outdated", "current"],
      ["missing", "lost", "single", "by-hand", "unknown"],
    ],
    [
      { ...NO_CONSENT, missing: true, current: true },
      ["outdated", "missing", "current"],
      ["lost", "single", "by-hand", "unknown"],
    ],
  ])("with %j", (consent, planned, leftOut) => {
    const plan = planFor(world, consent);
    expect(plan.steps.map(({ ref }) => ref.name).toSorted()).toEqual(planned.toSorted());
    expect(plan.leftOut.map(({ workload }) => workload.name)).toEqual(leftOut);
  });
});

test("no consent includes would-lose, blocked or unknown", () => {
  const all = { ...NO_CONSENT, missing: true, current: true };
  expect(VERDICTS.filter((verdict) => isWanted({ verdict }, all))).toEqual([
    "outdated",
    "missing",
    "current",
  ]);
  expect(VERDICTS.filter((verdict) => isWanted({ verdict }, NO_CONSENT))).toEqual(["outdated"]);
});

describe("a workload that an earlier restart brought on target", () => {
  const minutesAgo = (minutes: number) =>
    new Date(NOW - minutes * 60_000).toISOString().replace(".000", "");
  const template = (minutes: number) => ({ annotations: { [RESTARTED_AT]: minutesAgo(minutes) } });
  const pods = [{ ...sidecars(2, TARGET), ready: 1 }];
  const coming = { status: { replicas: 2, updated: 2, available: 1 } };
  const web = (minutes: number, rollout: object = coming) =>
    deployment("web", { template: template(minutes), pods, rollout });
  const daemons = { desired: 2, updated: 2, available: 1 };
  const argo = { phase: "Progressing", restartAt: minutesAgo(1) };

  test.each<[what: string, workload: Workload, waited: boolean]>([
    ["a Deployment whose new pods are not all ready", web(1), true],
    [
      "a StatefulSet",
      statefulSet("web", {
        template: template(1),
        pods,
        rollout: { status: { ready: 1, updated: 2 } },
      }),
      true,
    ],
    [
      "a DaemonSet",
      daemonSet("web", { template: template(1), pods, rollout: { status: daemons } }),
      true,
    ],
    ["a Rollout", argoRollout("web", { pods, rollout: argo }), true],
    ["a workload restarted within the timeout", web(9), true],
    [
      "what fails",
      deployment("web", {
        template: template(1),
        pods: [{ ...sidecars(2, TARGET), trouble: crashing("web-1") }],
        rollout: coming,
      }),
      true,
    ],
    [
      "what is past its deadline",
      web(1, {
        ...coming,
        conditions: [
          { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "" },
        ],
      }),
      true,
    ],
    [
      "what is on the image that its template pins",
      deployment("web", {
        template: {
          annotations: { ...template(1).annotations, "sidecar.istio.io/proxyImage": LATE },
        },
        pods: [{ ...sidecars(2, LATE), ready: 1 }],
        rollout: coming,
      }),
      true,
    ],
    ["not if it was restarted before the timeout", web(11), false],
    ["not if its restart time is in the future", web(-11), false],
    ["not if nobody restarted it", deployment("web", { pods, rollout: coming }), false],
    ["not if its rollout is done", web(1, {}), false],
    ["not if it is paused", web(1, { ...coming, paused: true }), false],
    [
      "not if its pods are outdated: that is a step",
      deployment("web", { template: template(1), pods: [sidecars(2, LATE)], rollout: coming }),
      false,
    ],
  ])("is waited for while its rollout is not done: %s", (_what, workload, waited) => {
    const plan = planFor([assessmentOf(workload)]);
    expect(plan.waits.map(({ ref }) => ref.name)).toEqual(waited ? ["web"] : []);
  });

  test.each<[when: string, available: number, steps: number, waits: number]>([
    ["is restarted again if its rollout is done", 2, 1, 0],
    ["is waited for while it rolls", 1, 0, 1],
  ])("%s, with --include current", (_when, available, steps, waits) => {
    const rollout = { status: { replicas: 2, updated: 2, available } };
    const assessment = assessmentOf(web(1, rollout), { policy: { current: true } });
    const plan = planFor([assessment], { ...NO_CONSENT, current: true });
    expect([plan.steps.length, plan.waits.length]).toEqual([steps, waits]);
  });
});
