import { describe, expect, test } from "vitest";
import { hindranceOf, refusalCode } from "../../../src/rollout/hindrance.ts";
import { type RolloutView, podsByAge } from "../../../src/rollout/view.ts";
import { bare } from "../../support/build/pod-group.ts";
import { newPod, oldPod, RESTART, rolloutView } from "../../support/build/rollout-view.ts";
import { daemonSet, deployment, statefulSet } from "../../support/build/workload.ts";
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
    const pod = newPod("web-3", { unschedulable: words });
    const view = rolloutView(deployment("web", { pods: [bare(2)] }), { pods: [oldPod("a"), pod] });
    expect(withPrintedSteps(hindrance(view))).toMatchObject({
      code: "unschedulable",
      message: `the new pod web-3 cannot be scheduled: ${words}; 1 old pod still serves`,
      nextStep: "kubectl describe pod web-3 -n shop",
      pod: { name: "web-3", uid: "uid-web-3" },
    });
  });

  test("are reported after pods that cannot be created", () => {
    const pod = newPod("web-3", { unschedulable: words });
    const view = rolloutView(deployment("web", { pods: [bare(2)] }), {
      pods: [pod],
      refusals: [QUOTA],
    });
    expect(hindrance(view)?.code).toBe("quota");
  });

  test("do not matter if they are old", () => {
    const pod = oldPod("web-1", { unschedulable: words });
    expect(
      hindrance(rolloutView(deployment("web", { pods: [bare(1)] }), { pods: [pod] })),
    ).toBeUndefined();
  });
});
