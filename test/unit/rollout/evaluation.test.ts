import { describe, expect, test } from "vitest";
import { evaluateRollout } from "../../../src/rollout/evaluation.ts";
import type { RolloutView } from "../../../src/rollout/view.ts";
import { bare, crashing, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  crashingPod,
  failedPod,
  newPod,
  oldPod,
  RESTART,
  rolloutView,
} from "../../support/build/rollout-view.ts";
import { withPrintedSteps } from "../../support/build/next-step.ts";
import { argoRollout, daemonSet, deployment, statefulSet } from "../../support/build/workload.ts";

const PODS = [sidecars(2, proxyImage("v1.27.7-1"))];
const DONE = deployment("web", { pods: PODS });
const HALFWAY = deployment("web", {
  pods: PODS,
  rollout: { status: { replicas: 3, updated: 1, available: 2 } },
});
const OLD = [oldPod("web-1"), oldPod("web-2")];
const NEW = [newPod("web-3"), newPod("web-4")];
function endingOf(view: RolloutView) {
  const { ending } = evaluateRollout(view, RESTART);
  return ending && [ending.outcome, ending.code, ending.message];
}

describe("an ending", () => {
  test.each<[what: string, view: RolloutView, ending: ReturnType<typeof endingOf>]>([
    ["none yet", rolloutView(HALFWAY, { pods: [...OLD, newPod("web-3")] }), undefined],
    ["done", rolloutView(DONE, { pods: NEW }), ["restarted", "rolled-out", "rolled out"]],
    [
      "the first new pod has no sidecar",
      rolloutView(HALFWAY, { pods: [...OLD, newPod("web-3", { image: undefined })] }),
      ["failed", "sidecar-lost", "the new pod web-3 has no sidecar; 2 old pods still with one"],
    ],
    [
      "the first new pod runs another image",
      rolloutView(HALFWAY, { pods: [...OLD, newPod("web-3", { image: "other:1" })] }),
      ["failed", "other-image", `the new pod web-3 runs other:1, not ${RESTART.target.image}`],
    ],
    [
      "a new pod crashes",
      rolloutView(HALFWAY, {
        pods: [...OLD, newPod("web-3", { trouble: crashing("web-3") })],
      }),
      [
        "failed",
        "pod-failed",
        "the new pod web-3 is in CrashLoopBackOff: back-off; 2 old pods still serve",
      ],
    ],
    [
      "a new pod stumbles at its start",
      rolloutView(HALFWAY, { pods: [...OLD, crashingPod("web-3", "passing")] }),
      undefined,
    ],
    [
      "a new pod has failed, and its controller replaces it",
      rolloutView(HALFWAY, { pods: [...OLD, failedPod("web-3")] }),
      undefined,
    ],
    [
      "an old pod crashes",
      rolloutView(HALFWAY, {
        pods: [oldPod("web-1", { trouble: crashing("web-1") }), newPod("web-3")],
      }),
      undefined,
    ],
    [
      "a new pod that terminates crashes no more",
      rolloutView(HALFWAY, {
        pods: [...OLD, newPod("web-3", { terminating: true, trouble: crashing("web-3") })],
      }),
      undefined,
    ],
    [
      "paused by somebody",
      rolloutView(
        deployment("web", {
          pods: PODS,
          rollout: { paused: true, status: { replicas: 3, updated: 1, available: 2 } },
        }),
        { pods: OLD },
      ),
      ["timed-out", "paused", "paused during the rollout"],
    ],
    [
      "paused after it was done",
      rolloutView(deployment("web", { pods: PODS, rollout: { paused: true } }), { pods: NEW }),
      ["restarted", "rolled-out", "rolled out"],
    ],
    [
      "scaled to zero",
      rolloutView(deployment("web")),
      ["restarted", "scaled-to-zero", "scaled to zero: its next pods get today's injection"],
    ],
    [
      "turned to OnDelete",
      rolloutView(statefulSet("db", { pods: PODS, rollout: { strategy: "OnDelete" } }), {
        pods: [oldPod("db-0"), newPod("db-1")],
      }),
      [
        "timed-out",
        "on-delete",
        "the update strategy became OnDelete during the rollout: 1 old pod stays until it is deleted",
      ],
    ],
    [
      "past its deadline, with nothing left that serves",
      rolloutView(
        deployment("web", {
          pods: PODS,
          rollout: {
            conditions: [
              {
                type: "Progressing",
                status: "False",
                reason: "ProgressDeadlineExceeded",
                message: "timed out.",
              },
            ],
          },
        }),
        { pods: [newPod("web-3", { ready: false })] },
      ),
      [
        "failed",
        "progress-deadline",
        "progress deadline exceeded: timed out.; no old pod is serving",
      ],
    ],
    [
      "a partition holds some back: those below it stay old",
      rolloutView(
        statefulSet("db", {
          pods: PODS,
          rollout: { partition: 1, status: { ready: 2, updated: 1 } },
        }),
        { pods: [oldPod("db-0"), newPod("db-1")] },
      ),
      ["restarted", "rolled-out", "rolled out"],
    ],
  ])("%s", (_what, view, ending) => {
    expect(endingOf(view)).toEqual(ending);
  });
});

describe("a template that somebody else changed", () => {
  const changed = "somebody else changed the pod template during the rollout";
  const later = { restartedAt: undefined };
  /** @param seconds after the restart. */
  const manager = (name: string, seconds: number, restarted = false) => ({
    name,
    changedAt: new Date(Date.parse(RESTART.restartedAt) + seconds * 1000)
      .toISOString()
      .replace(".000Z", "Z"),
    restarted,
  });

  test.each<[what: string, view: RolloutView, ending: ReturnType<typeof endingOf>]>([
    [
      "its pods lack our time, and are on target",
      rolloutView(DONE, { ...later, pods: [newPod("web-5", later), newPod("web-6", later)] }),
      ["restarted", "superseded", `rolled out on target, although ${changed}`],
    ],
    [
      "somebody's restart has another time",
      rolloutView(DONE, {
        restartedAt: "2026-11-22T20:00:09Z",
        pods: [newPod("web-5", { restartedAt: "2026-11-22T20:00:09Z" })],
      }),
      ["restarted", "superseded", `rolled out on target, although ${changed}`],
    ],
    [
      "while it rolls, old pods are just old",
      rolloutView(HALFWAY, { ...later, pods: [...OLD, newPod("web-5", later)] }),
      undefined,
    ],
    [
      "an undo kept the old pods",
      rolloutView(DONE, { ...later, pods: OLD }),
      ["failed", "superseded", `${changed}: 2 of 2 pods run ${proxyImage("v1.27.7-1")}`],
    ],
    [
      "it was taken out of the mesh",
      rolloutView(DONE, { ...later, pods: [newPod("web-5", { ...later, image: undefined })] }),
      ["failed", "superseded", `${changed}: 1 of 1 pods have no sidecar`],
    ],
    [
      "the fields of the template name who changed it",
      rolloutView(DONE, {
        ...later,
        pods: OLD,
        templateManagers: [manager("helm", -1), manager("argocd-controller", 4)],
      }),
      [
        "failed",
        "superseded",
        `argocd-controller changed the pod template during the rollout: 2 of 2 pods run ${proxyImage("v1.27.7-1")}`,
      ],
    ],
    [
      "somebody else's restart names its owner, although another change was later",
      rolloutView(DONE, {
        restartedAt: "2026-11-22T20:00:09Z",
        pods: [newPod("web-5", { restartedAt: "2026-11-22T20:00:09Z" })],
        templateManagers: [manager("kubectl-rollout", 9, true), manager("hpa", 10)],
      }),
      [
        "restarted",
        "superseded",
        "rolled out on target, although kubectl-rollout changed the pod template during the rollout",
      ],
    ],
    [
      "a removed field has no owner",
      rolloutView(DONE, {
        ...later,
        pods: OLD,
        templateManagers: [manager("helm", -1), manager("istio-upgrade", 1)],
      }),
      ["failed", "superseded", `${changed}: 2 of 2 pods run ${proxyImage("v1.27.7-1")}`],
    ],
    [
      "its own pods fail",
      rolloutView(HALFWAY, {
        ...later,
        pods: [...OLD, newPod("web-5", { ...later, trouble: crashing("web-5") })],
      }),
      [
        "failed",
        "pod-failed",
        "the new pod web-5 is in CrashLoopBackOff: back-off; 2 old pods still serve",
      ],
    ],
    [
      "a partition keeps an old pod",
      rolloutView(
        statefulSet("db", {
          pods: PODS,
          rollout: { partition: 1, status: { ready: 2, updated: 1 } },
        }),
        { ...later, pods: [oldPod("db-0"), newPod("db-1", later)] },
      ),
      ["restarted", "superseded", `rolled out on target, although ${changed}`],
    ],
  ])("%s", (_what, view, ending) => {
    expect(endingOf(view)).toEqual(ending);
  });
});

describe("the number of ready pods", () => {
  const readyOf = (view: RolloutView) => evaluateRollout(view, RESTART).status.ready;
  const pods = (...readiness: readonly boolean[]) =>
    readiness.map((ready, index) => newPod(`web-${index}`, { ready }));

  test.each<[what: string, view: RolloutView, ready: number]>([
    ["counts new pods", rolloutView(HALFWAY, { pods: [...OLD, ...pods(true)] }), 1],
    ["does not count unready ones", rolloutView(HALFWAY, { pods: [...OLD, ...pods(false)] }), 0],
    [
      "does not depend on the readiness of old ones",
      rolloutView(HALFWAY, { pods: [oldPod("web-9", { ready: false }), ...pods(true)] }),
      1,
    ],
    [
      "does not count those that terminate or have failed",
      rolloutView(HALFWAY, { pods: [newPod("web-8", { terminating: true }), failedPod("web-9")] }),
      0,
    ],
    [
      "is at most the number that is wanted",
      rolloutView(DONE, { pods: pods(true, true, true) }),
      2,
    ],
    [
      "of a DaemonSet right after its restart is zero",
      rolloutView(
        daemonSet("agent", {
          pods: [bare(3)],
          rollout: { status: { desired: 3, updated: 1, available: 2 } },
        }),
        { pods: [oldPod("agent-a"), oldPod("agent-b"), newPod("agent-c", { ready: false })] },
      ),
      0,
    ],
  ])("%s", (_what, view, ready) => {
    expect(readyOf(view)).toBe(ready);
  });
});

describe("a DaemonSet names the node that it waits for", () => {
  const agent = daemonSet("agent", {
    pods: [bare(3)],
    rollout: { status: { desired: 3, updated: 2, available: 2 } },
  });
  const on = (node: string) => ({ node });
  const nodeOf = (pods: RolloutView["pods"]) =>
    evaluateRollout(rolloutView(agent, { pods }), RESTART).slowNode;

  test.each<[what: string, pods: RolloutView["pods"], node: string | undefined]>([
    [
      "where the new pod is not ready",
      [newPod("agent-a", on("aks-1")), newPod("agent-b", { node: "aks-2", ready: false })],
      "waiting for node aks-2, where agent-b is not ready",
    ],
    [
      "where the old pod does not end",
      [newPod("agent-a", on("aks-1")), oldPod("agent-b", { node: "aks-7", terminating: true })],
      "waiting for node aks-7, where agent-b is terminating",
    ],
    [
      "the first of several",
      [
        newPod("agent-a", { node: "aks-1", ready: false }),
        newPod("agent-b", { node: "aks-2", ready: false }),
        oldPod("agent-c", { node: "aks-3", terminating: true }),
      ],
      "waiting for node aks-1, where agent-a is not ready, and for 2 more nodes",
    ],
    ["none if no pod delays it", [newPod("agent-a"), oldPod("agent-b")], undefined],
  ])("%s", (_what, pods, node) => {
    expect(nodeOf(pods)).toBe(node);
  });

  test("but other kinds do not", () => {
    const view = rolloutView(HALFWAY, { pods: [newPod("web-3", { ready: false })] });
    expect(evaluateRollout(view, RESTART).slowNode).toBeUndefined();
  });
});

describe("an Argo Rollout", () => {
  const web = argoRollout("web", { pods: PODS });
  const before = { createdAt: "2026-11-22T19:59:59Z" };
  const unmarked = { restartedAt: undefined };

  test("separates its pods by age, because its template stays the same", () => {
    const atOnce = { ...unmarked, createdAt: RESTART.restartedAt };
    const pods = [newPod("web-a", unmarked), newPod("web-b", atOnce)];
    expect(endingOf(rolloutView(web, { pods }))).toEqual(["restarted", "rolled-out", "rolled out"]);
  });

  test("is not done while it is healthy but lacks its last pods", () => {
    expect(endingOf(rolloutView(web, { pods: [newPod("web-a", unmarked)] }))).toBeUndefined();
    const pods = [newPod("web-a", unmarked), oldPod("web-b", before)];
    expect(endingOf(rolloutView(web, { pods }))).toBeUndefined();
    const { status } = evaluateRollout(rolloutView(web, { pods }), RESTART);
    expect([status.ready, status.wanted]).toEqual([1, 2]);
  });

  test("that was paused or is degraded ends with its controller's message", () => {
    const paused = argoRollout("web", { pods: PODS, rollout: { phase: "Paused", message: "x" } });
    expect(endingOf(rolloutView(paused, { pods: [oldPod("web-b", before)] }))).toEqual([
      "timed-out",
      "paused",
      "paused during the rollout",
    ]);
    const bad = argoRollout("web", { pods: PODS, rollout: { phase: "Degraded", message: "late" } });
    expect(
      withPrintedSteps(evaluateRollout(rolloutView(bad, { pods: OLD }), RESTART).ending),
    ).toEqual({
      outcome: "failed",
      code: "degraded",
      message: "degraded: late; 2 old pods still serve",
      nextStep: "kubectl argo rollouts undo web -n shop",
    });
  });

  test("that somebody else restarted is evaluated by its pods", () => {
    const pods = [newPod("web-a"), newPod("web-b")];
    const view = rolloutView(web, { pods, restartedAt: "2026-11-22T20:09:00Z" });
    expect(endingOf(view)?.[1]).toBe("superseded");
  });
});
