import { describe, expect, test } from "vitest";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import { failureOf, stuckRollout } from "../../../src/mesh/health.ts";
import { restartabilityOf, type RestartOptions } from "../../../src/mesh/restartability.ts";
import type { Condition, PodGroup, Workload } from "../../../src/snapshot.ts";
import { withPrintedSteps } from "../../support/build/next-step.ts";
import { crashing, proxyImage, sidecars, unschedulable } from "../../support/build/pod-group.ts";
import { argoRollout, daemonSet, deployment, statefulSet } from "../../support/build/workload.ts";

const TARGET = { revision: "asm-1-27", image: proxyImage("v1.27.9-6") };
const OLD = sidecars(3, proxyImage("v1.27.7-1"));
const SINCE = "2026-11-22T20:00:00Z";
const LATER = Date.parse("2026-11-22T20:02:01Z");

/** One new pod that does not run. */
const newPod = (trouble: PodGroup["trouble"]): PodGroup => ({
  ...sidecars(1, TARGET.image, { ready: 0 }),
  trouble,
});

const condition = (type: string, reason: string, status: string, message: string): Condition => ({
  type,
  reason,
  status,
  message,
});
const REFUSED = condition("ReplicaFailure", "FailedCreate", "True", "exceeded quota: q");
const LATE = condition("Progressing", "ProgressDeadlineExceeded", "False", "timed out.");

/** `web` with one new pod beside three old ones. */
function rolling(group: PodGroup, conditions: readonly Condition[] = [], terminating = 0) {
  const status = { replicas: 4, updated: 1, available: 3 };
  const rollout = { replicas: 3, status, conditions };
  return deployment("web", { pods: [OLD, group], terminating, rollout });
}

/** `web` with three pods; one pod is not ready. */
function unready(make: typeof deployment = deployment, group: Partial<PodGroup> = {}): Workload {
  const pods = [{ ...sidecars(3, proxyImage("v1.27.7-1"), { ready: 2 }), ...UNREADY, ...group }];
  return make("web", { pods });
}
const UNREADY = {
  unready: { pod: "pod-2", uid: "uid-pod-2", node: "aks-1", since: SINCE, blocker: undefined },
};

describe("a failure from before a restart", () => {
  test.each<[what: string, workload: Workload, reason: string | undefined]>([
    ["is no unready pod that may be starting", unready(), "later"],
    [
      "is a crash that is no stumble",
      unready(deployment, { trouble: crashing("pod-2") }),
      "its pod pod-2 is in CrashLoopBackOff",
    ],
    ["is no stumble", unready(deployment, { trouble: crashing("pod-2", "passing") }), "later"],
    [
      "is no pod that may still get a node",
      unready(deployment, { trouble: unschedulable("pod-2") }),
      "later: its pod pod-2 cannot be scheduled: no nodes available",
    ],
    [
      "is an unready pod before those that an OrderedReady StatefulSet has not created",
      statefulSet("web", {
        pods: [{ ...sidecars(1, proxyImage("v1.27.7-1"), { ready: 0 }), ...UNREADY }],
        rollout: { replicas: 3, growing: true, status: { ready: 0, updated: 1 } },
      }),
      "later",
    ],
    ["is no pod that is being replaced", rolling(newPod(crashing("pod-0"))), undefined],
    [
      "is no refusal while pods are being replaced",
      rolling(newPod(undefined), [REFUSED]),
      undefined,
    ],
    [
      "is a refusal if no pod is being replaced",
      deployment("web", { pods: [OLD], rollout: { conditions: [REFUSED] } }),
      "its pods cannot be created: exceeded quota: q",
    ],
    [
      "is a progress deadline, with the trouble of a pod",
      rolling(newPod(unschedulable("pod-0")), [LATE]),
      "its last rollout exceeded the progress deadline: timed out.; its pod pod-0 cannot be scheduled: no nodes available",
    ],
  ])("%s", (_what, workload, expected) => {
    const now = failureOf(workload)?.reason;
    const later = failureOf(workload, LATER)?.reason;
    const [when, words = `its pod pod-2 has not been ready since ${SINCE}`] =
      expected?.split("later: ") ?? [];
    const isLater = expected?.startsWith("later") === true;
    expect(now).toBe(isLater ? undefined : expected);
    expect(later).toBe(isLater ? words : when);
  });
});

describe("a rollout is stuck", () => {
  const trouble = newPod(crashing("pod-0"));
  const pending = newPod(unschedulable("pod-0"));
  const crash = "stuck in a rollout: its pod pod-0 is in CrashLoopBackOff: back-off";
  const noNode = "stuck in a rollout: its pod pod-0 cannot be scheduled: no nodes available";
  const quota = "stuck in a rollout: its new pods cannot be created: exceeded quota: q";
  const freed = (conditions: readonly Condition[]) =>
    deployment("web", {
      pods: [OLD],
      rollout: {
        replicas: 4,
        status: { replicas: 3, updated: 0, available: 3 },
        conditions,
      },
    });

  test.each<[what: string, workload: Workload, reason: string | undefined]>([
    ["by a new pod that crashes", rolling(trouble), crash],
    ["by a new pod without a node", rolling(pending), noNode],
    ["by pods that cannot be created", rolling(newPod(undefined), [REFUSED]), quota],
    ["not by a stumble", rolling(newPod(crashing("pod-0", "passing"))), undefined],
    ["not by a node that is missing while old pods are ending", rolling(pending, [], 1), undefined],
    ["by a crash, even while old pods are ending", rolling(trouble, [], 1), crash],
    [
      "not by a quota while old pods are ending",
      rolling(newPod(undefined), [REFUSED], 1),
      undefined,
    ],
    ["not by a quota after an old pod has ended", freed([REFUSED]), undefined],
    [
      "not by an old pod in trouble",
      deployment("web", {
        pods: [{ ...OLD, ready: 2, trouble: crashing("pod-1") }, sidecars(1, TARGET.image)],
        rollout: { replicas: 3, status: { replicas: 4, updated: 1, available: 3 } },
      }),
      undefined,
    ],
    [
      "not if nothing is replaced",
      deployment("web", { pods: [{ ...OLD, ready: 2, trouble: crashing("pod-1") }] }),
      undefined,
    ],
    [
      "by the pod of a StatefulSet",
      statefulSet("db", {
        pods: [OLD, trouble],
        rollout: { status: { ready: 3, updated: 1 } },
      }),
      crash,
    ],
    [
      "by the pod of a DaemonSet",
      daemonSet("agent", {
        pods: [OLD, trouble],
        rollout: { status: { desired: 4, updated: 1, available: 3 } },
      }),
      crash,
    ],
  ])("%s", (_what, workload, reason) => {
    expect(stuckRollout(workload, TARGET)?.reason).toBe(reason);
  });
});

describe("the restart of a workload with a pod in trouble", () => {
  const crashed = {
    ...sidecars(3, proxyImage("v1.27.7-1"), { ready: 2 }),
    trouble: crashing("pod-1"),
  };
  const answer = (workload: Workload, options: Partial<RestartOptions> = {}) => {
    const found = restartabilityOf(workload, workload.pods, { ...NO_CONSENT, ...options }, TARGET);
    return "finding" in found ? withPrintedSteps(found.finding) : found.answer;
  };
  const unhealthy = { unhealthy: true };
  const long = { unreadyBefore: LATER };
  const pending = rolling(newPod(unschedulable("pod-0")));
  const fix = "fix it first, or restart it as it is: istio-upgrade restart";
  const deleteIt = (resource: string) =>
    `delete that pod, so that it is created again: kubectl delete pod pod-1 -n shop; then restart the others: istio-upgrade restart ${resource} --namespace shop`;

  test("never stacks on a rollout whose new pods have the target", () => {
    const refusal = {
      code: "stuck-rollout",
      reason: "stuck in a rollout: its pod pod-0 cannot be scheduled: no nodes available",
      nextStep: "kubectl describe pod pod-0 -n shop",
    };
    expect([answer(pending), answer(pending, unhealthy)]).toEqual([refusal, refusal]);
  });

  test("may replace a rollout whose new pods have another sidecar, with consent", () => {
    const status = { replicas: 4, updated: 1, available: 3 };
    const workload = deployment("web", { pods: [crashed], rollout: { status } });
    expect(answer(workload)).toMatchObject({
      code: "stuck-rollout",
      nextStep: `${fix} deployment/web --namespace shop --include unhealthy`,
    });
    expect(answer(workload, unhealthy)).toBe("yes");
  });

  test("needs consent for a pod that is unready for long", () => {
    expect([answer(unready()), answer(unready(), { ...long, ...unhealthy })]).toEqual([
      "yes",
      "yes",
    ]);
    expect(answer(unready(), long)).toEqual({
      code: "unhealthy-before",
      reason: `its pod pod-2 has not been ready since ${SINCE}`,
      nextStep: `${fix} deployment/web --namespace shop --include unhealthy`,
    });
  });

  test.each([
    ["DaemonSet", daemonSet("web", { pods: [crashed] })],
    ["Parallel StatefulSet", statefulSet("web", { pods: [crashed], rollout: { ordered: false } })],
  ])("works with consent for a %s", (_kind, workload) => {
    expect(answer(workload)).toMatchObject({ code: "unhealthy-before" });
    expect(answer(workload, unhealthy)).toBe("yes");
  });

  test("of an OrderedReady StatefulSet needs the pod to be deleted, with and without consent", () => {
    const refusal = {
      code: "unhealthy-before",
      reason:
        "its pod pod-1 is in CrashLoopBackOff, and an OrderedReady StatefulSet replaces no pod until it is ready",
      nextStep: deleteIt("statefulset/db"),
    };
    const db = statefulSet("db", { pods: [crashed] });
    expect([answer(db), answer(db, unhealthy)]).toEqual([refusal, refusal]);
  });

  test("of an OrderedReady StatefulSet that rolls needs the pod to be deleted, too", () => {
    const db = statefulSet("db", {
      pods: [OLD, { ...newPod(crashing("pod-1")), podNames: ["pod-1"] }],
      rollout: { status: { ready: 3, updated: 1 } },
    });
    expect(answer(db, unhealthy)).toEqual({
      code: "stuck-rollout",
      reason: "stuck in a rollout: its pod pod-1 is in CrashLoopBackOff: back-off",
      nextStep: deleteIt("statefulset/db"),
    });
  });

  test("of an Argo Rollout needs the pod to be deleted if no other may be evicted", () => {
    const web = (unavailable: number) =>
      argoRollout("web", {
        pods: [crashed],
        rollout: { unavailable, status: { replicas: 3, updated: 3, available: 2 } },
      });
    expect(answer(web(1), unhealthy)).toMatchObject({
      code: "unhealthy-before",
      reason:
        "its pod pod-1 is in CrashLoopBackOff, and Argo Rollouts restarts no pod until it is ready",
      nextStep: deleteIt("rollout/web"),
    });
    expect(answer(web(2), unhealthy)).toBe("yes");
  });
});
