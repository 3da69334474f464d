import { describe, expect, test } from "vitest";
import { hindranceOf, refusalCode } from "../../../src/rollout/hindrance.ts";
import { type RolloutView, podsByAge } from "../../../src/rollout/view.ts";
import type { RollingPod } from "../../../src/snapshot.ts";
import { bare, proxyImage, sidecars, unschedulable } from "../../support/build/pod-group.ts";
import {
  crashingPod,
  failedPod,
  newPod,
  oldPod,
  RESTART,
  rolloutView,
  unschedulablePod,
} from "../../support/build/rollout-view.ts";
import { argoRollout, daemonSet, deployment, statefulSet } from "../../support/build/workload.ts";
import { withPrintedSteps } from "../../support/build/next-step.ts";

function hindrance(view: RolloutView) {
  return hindranceOf(view, podsByAge(view, RESTART));
}

const QUOTA =
  'pods "web-1" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2';

describe("the code of a refusal", () => {
  // These are messages of a real API server.
  test.each([
    [QUOTA, "quota"],
    ['pods "x" is forbidden: failed quota: q: must specify limits.cpu for: app', "quota"],
    [
      'Internal error occurred: failed calling webhook "a.b": failed to call webhook: Post "https://x": context deadline exceeded',
      "webhook-failed",
    ],
    ['admission webhook "policy.io" denied the request: no latest tag', "refused-by-admission"],
    ['pods "x" is forbidden: violates PodSecurity "restricted:latest"', "refused-by-admission"],
    [
      'pods "x" is forbidden: error looking up service account shop/ghost: serviceaccount "ghost" not found',
      "refused-by-admission",
    ],
    ['Pod "x" is invalid: spec.containers[0].image: Required value', "refused-by-admission"],
    ["etcdserver: request timed out", "create-failed"],
  ])("%s: %s", (words, code) => {
    expect(refusalCode(words)).toBe(code);
  });
});

describe("pods that cannot be created", () => {
  const pods = [oldPod("web-1"), oldPod("web-2", { ready: false })];

  test("are reported with the API server's message, the old pods that serve, and a next step", () => {
    const view = rolloutView(deployment("web", { pods: [bare(2)] }), { pods, refusals: [QUOTA] });
    expect(withPrintedSteps(hindrance(view))).toMatchObject({
      code: "quota",
      message: `new pods cannot be created: ${QUOTA}; 1 old pod still serves`,
      nextStep: "kubectl describe quota -n shop",
    });
  });

  test.each([
    [
      "StatefulSet",
      statefulSet("db", { pods: [bare(2)] }),
      "Create Pod db-1 in StatefulSet db failed error: ",
    ],
    ["DaemonSet", daemonSet("agent", { pods: [bare(2)] }), "Error creating: "],
  ])("a %s lacks a pod, and its events have the reason", (_kind, workload, prefix) => {
    const refusals = ["Error creating: something else before", `${prefix}${QUOTA}`];
    const lacking = rolloutView(workload, { pods: [oldPod("a")], refusals });
    expect(hindrance(lacking)?.message).toBe(
      `new pods cannot be created: ${QUOTA}; 1 old pod still serves`,
    );
    // The event outlives its cause: if no pod is lacking, it is about the past.
    expect(hindrance({ ...lacking, pods: [oldPod("a"), newPod("b")] })).toBeUndefined();
  });

  test("are not reported without a refusal", () => {
    const view = rolloutView(deployment("web", { pods: [bare(2)] }), { pods });
    expect(withPrintedSteps(hindrance(view))).toBeUndefined();
  });
});

describe("pods without a node", () => {
  const words = "0/3 nodes are available: 3 Insufficient cpu.";

  test("are reported with the scheduler's message, and the pod to describe", () => {
    const pod = unschedulablePod("web-3", words);
    const view = rolloutView(deployment("web", { pods: [bare(2)] }), { pods: [oldPod("a"), pod] });
    expect(withPrintedSteps(hindrance(view))).toMatchObject({
      code: "unschedulable",
      message: `the new pod web-3 cannot be scheduled: ${words}; 1 old pod still serves`,
      nextStep: "kubectl describe pod web-3 -n shop",
      pod: { name: "web-3", uid: "uid-web-3" },
      resolving: false,
    });
  });

  test("are reported after pods that cannot be created", () => {
    const pod = unschedulablePod("web-3", words);
    const view = rolloutView(deployment("web", { pods: [bare(2)] }), {
      pods: [pod],
      refusals: [QUOTA],
    });
    expect(hindrance(view)?.code).toBe("quota");
  });

  test("do not matter if they are old", () => {
    const pod = oldPod("web-1", { trouble: unschedulable("web-1", words) });
    expect(
      hindrance(rolloutView(deployment("web", { pods: [bare(1)] }), { pods: [pod] })),
    ).toBeUndefined();
  });
});

describe("room for new pods", () => {
  const THREE = [sidecars(3, proxyImage("v1.27.7-1"))];
  const pending = unschedulablePod("web-4", "didn't match pod anti-affinity rules");
  const olds = [oldPod("web-1"), oldPod("web-2"), oldPod("web-3")];
  const web = (available: number, unavailable: number) =>
    deployment("web", {
      pods: THREE,
      rollout: { unavailable, surge: 1, status: { replicas: 4, updated: 1, available } },
    });
  const isResolving = (view: RolloutView) => hindrance(view)?.resolving;

  test.each<[what: string, view: RolloutView, resolving: boolean]>([
    [
      "comes while an old pod is terminating",
      rolloutView(web(2, 1), {
        pods: [oldPod("web-1", { terminating: true }), ...olds.slice(1), pending],
      }),
      true,
    ],
    [
      "comes while an old pod is still to be scaled down",
      rolloutView(web(3, 1), { pods: [...olds, pending] }),
      true,
    ],
    [
      "never comes if every old pod waits for the new one",
      rolloutView(web(3, 0), { pods: [...olds, pending] }),
      false,
    ],
    [
      "does not come from a pod that has failed",
      rolloutView(web(3, 0), {
        pods: [...olds, oldPod("web-0", { failed: true, terminating: true }), pending],
      }),
      false,
    ],
    [
      "comes for a quota, too",
      rolloutView(web(2, 1), {
        pods: [oldPod("web-1", { terminating: true }), ...olds.slice(1)],
        refusals: [QUOTA],
      }),
      true,
    ],
    [
      "does not change a policy",
      rolloutView(web(2, 1), {
        pods: [oldPod("web-1", { terminating: true }), ...olds.slice(1)],
        refusals: ['admission webhook "policy.io" denied the request: no latest tag'],
      }),
      false,
    ],
    [
      "comes for a StatefulSet and a DaemonSet while a pod is terminating",
      rolloutView(statefulSet("db", { pods: THREE }), {
        pods: [oldPod("db-2", { terminating: true })],
        refusals: [QUOTA],
      }),
      true,
    ],
  ])("%s", (_what, view, resolving) => {
    expect(isResolving(view)).toBe(resolving);
  });
});

describe("new pods in trouble", () => {
  const found = (...pods: RolloutView["pods"]) =>
    withPrintedSteps(
      hindrance(
        rolloutView(deployment("web", { pods: [bare(2)] }), { pods: [oldPod("a"), ...pods] }),
      ),
    );

  test("have no grace period if the trouble is final", () => {
    expect(found(unschedulablePod("web-3"), crashingPod("web-4"))).toMatchObject({
      code: "pod-failed",
      message: "the new pod web-4 is in CrashLoopBackOff: back-off; 1 old pod still serves",
      nextStep: "kubectl describe pod web-4 -n shop",
      grace: 0,
    });
  });

  test("have a grace period if it may pass", () => {
    expect(found(crashingPod("web-4", "passing"))).toMatchObject({
      code: "pod-failed",
      grace: 30_000,
      resolving: false,
    });
  });

  test("are named if they have failed, the newest first", () => {
    const [late, early] = ["2026-11-22T20:00:09Z", "2026-11-22T20:00:05Z"];
    const pods = [
      failedPod("web-3", { createdAt: late }),
      failedPod("web-4", { createdAt: early }),
    ];
    expect(found(...pods, newPod("web-5", { ready: false }))).toMatchObject({
      code: "pod-failed",
      message:
        "the new pod web-3 has failed: OutOfcpu: no cpu left, and so has 1 other new pod; 1 old pod still serves",
      nextStep: "kubectl describe pod web-3 -n shop",
    });
  });
});

describe("a budget that allows Argo Rollouts no eviction", () => {
  const evictionBlock = { budget: "b", message: "the PodDisruptionBudget b allows no eviction" };
  const old = [oldPod("web-1"), oldPod("web-2")];

  test("is a failure after 30 s, with the number of old pods and a next step", () => {
    const view = rolloutView(argoRollout("web", { pods: [bare(2)] }), { pods: old, evictionBlock });
    expect(withPrintedSteps(hindrance(view))).toEqual({
      code: "disruption-budget",
      message:
        "the PodDisruptionBudget b allows no eviction, so Argo Rollouts cannot restart 2 old pods; it continues as soon as an eviction is allowed",
      nextStep: "kubectl describe poddisruptionbudget b -n shop",
      grace: 30_000,
      resolving: false,
      pod: undefined,
    });
  });

  test.each<[why: string, pods: readonly RollingPod[]]>([
    ["no old pod is left", [newPod("web-3"), newPod("web-4")]],
    [
      "a pod is not ready, so the budget may allow an eviction later",
      [...old, newPod("web-3", { ready: false })],
    ],
    ["an old pod is not ready", [oldPod("web-1"), oldPod("web-2", { ready: false })]],
    ["a pod is being evicted", [oldPod("web-1"), oldPod("web-2", { terminating: true })]],
  ])("is none if %s", (_why, pods) => {
    const view = rolloutView(argoRollout("web", { pods: [bare(2)] }), { pods, evictionBlock });
    expect(hindrance(view)).toBeUndefined();
  });
});
