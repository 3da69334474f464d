import { describe, expect, test } from "vitest";
import { judgeRollout } from "../../../src/rollout/judgement.ts";
import type { RolloutView } from "../../../src/rollout/view.ts";
import { bare, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { newPod, oldPod, RESTART, rolloutView } from "../../support/build/rollout-view.ts";
import { argoRollout, daemonSet, deployment, statefulSet } from "../../support/build/workload.ts";
import { withPrintedSteps } from "../../support/build/next-step.ts";

const PODS = [sidecars(2, proxyImage("v1.27.7-1"))];
const DONE = deployment("web", { pods: PODS });
const HALFWAY = deployment("web", {
  pods: PODS,
  rollout: { status: { replicas: 3, updated: 1, available: 2 } },
});
const OLD = [oldPod("web-1"), oldPod("web-2")];
const NEW = [newPod("web-3"), newPod("web-4")];
const crashing = (name: string) => ({ pod: name, reason: "CrashLoopBackOff", message: "back-off" });

function endingOf(view: RolloutView) {
  const { ending } = judgeRollout(view, RESTART);
  return ending && [ending.outcome, ending.code, ending.message];
}

describe("an ending", () => {
  test.each<[what: string, view: RolloutView, ending: ReturnType<typeof endingOf>]>([
    ["none yet", rolloutView(HALFWAY, { pods: [...OLD, newPod("web-3")] }), undefined],
    ["done", rolloutView(DONE, { pods: NEW }), ["restarted", "rolled-out", "rolled out"]],
    [
      "the first new pod has no sidecar",
      rolloutView(HALFWAY, { pods: [...OLD, newPod("web-3", { image: undefined })] }),
      [
        "failed",
        "sidecar-lost",
        "the new pod web-3 came up without a sidecar; 2 old pods are left with one",
      ],
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
      "an old pod crashes: it is on its way out",
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
      ["timed-out", "paused", "it was paused while it rolled"],
    ],
    [
      "paused when it was through",
      rolloutView(deployment("web", { pods: PODS, rollout: { paused: true } }), { pods: NEW }),
      ["restarted", "rolled-out", "rolled out"],
    ],
    [
      "scaled to zero",
      rolloutView(deployment("web")),
      [
        "restarted",
        "scaled-to-zero",
        "it wants no pods any more: its next ones get today's injection",
      ],
    ],
    [
      "turned to OnDelete",
      rolloutView(statefulSet("db", { pods: PODS, rollout: { strategy: "OnDelete" } }), {
        pods: [oldPod("db-0"), newPod("db-1")],
      }),
      [
        "timed-out",
        "on-delete",
        "its update strategy became OnDelete while it rolled: 1 old pod stays until deleted",
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
        "it exceeded its progress deadline: timed out.; no old pod serves any more",
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
  const changed = "its pod template was changed by somebody else while it rolled";
  const later = { restartedAt: undefined };

  test.each<[what: string, view: RolloutView, ending: ReturnType<typeof endingOf>]>([
    [
      "its pods lack our time, and are on target",
      rolloutView(DONE, { ...later, pods: [newPod("web-5", later), newPod("web-6", later)] }),
      ["restarted", "superseded", `rolled out; ${changed}, and its pods are on target`],
    ],
    [
      "somebody's restart has another time",
      rolloutView(DONE, {
        restartedAt: "2026-11-22T20:00:09Z",
        pods: [newPod("web-5", { restartedAt: "2026-11-22T20:00:09Z" })],
      }),
      ["restarted", "superseded", `rolled out; ${changed}, and its pods are on target`],
    ],
    [
      "while it rolls, old pods are just old",
      rolloutView(HALFWAY, { ...later, pods: [...OLD, newPod("web-5", later)] }),
      undefined,
    ],
    [
      "an undo kept the old pods",
      rolloutView(DONE, { ...later, pods: OLD }),
      ["failed", "superseded", `${changed}: of its 2 pods 2 run ${proxyImage("v1.27.7-1")}`],
    ],
    [
      "it was taken out of the mesh",
      rolloutView(DONE, { ...later, pods: [newPod("web-5", { ...later, image: undefined })] }),
      ["failed", "superseded", `${changed}: of its 1 pods 1 run no sidecar`],
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
      ["restarted", "superseded", `rolled out; ${changed}, and its pods are on target`],
    ],
  ])("%s", (_what, view, ending) => {
    expect(endingOf(view)).toEqual(ending);
  });
});

describe("progress", () => {
  const state = (view: RolloutView) => judgeRollout(view, RESTART).progress;
  const before = rolloutView(HALFWAY, { pods: [...OLD, newPod("web-3")] });

  test("is another pod, and not the same look again", () => {
    expect(state(before)).toBe(state({ ...before, pods: [...before.pods] }));
    expect(state(before)).not.toBe(state({ ...before, pods: [...before.pods, newPod("web-4")] }));
  });

  test("is not another refusal", () => {
    expect(state(before)).toBe(state({ ...before, refusals: ["exceeded quota: q"] }));
  });
});

describe("a DaemonSet names the node that holds it up", () => {
  const agent = daemonSet("agent", {
    pods: [bare(3)],
    rollout: { status: { desired: 3, updated: 2, available: 2 } },
  });
  const on = (node: string) => ({ node });
  const messageOf = (pods: RolloutView["pods"]) =>
    judgeRollout(rolloutView(agent, { pods }), RESTART).status.message;

  test.each<[what: string, pods: RolloutView["pods"], holdup: string]>([
    [
      "where the new pod is not ready",
      [newPod("agent-a", on("aks-1")), newPod("agent-b", { node: "aks-2", ready: false })],
      "; node aks-2 holds it up: agent-b is not ready",
    ],
    [
      "where the old pod does not end",
      [newPod("agent-a", on("aks-1")), oldPod("agent-b", { node: "aks-7", terminating: true })],
      "; node aks-7 holds it up: agent-b has not ended",
    ],
    [
      "the first of several",
      [
        newPod("agent-a", { node: "aks-1", ready: false }),
        newPod("agent-b", { node: "aks-2", ready: false }),
        oldPod("agent-c", { node: "aks-3", terminating: true }),
      ],
      "; node aks-1 holds it up: agent-a is not ready, and 2 more",
    ],
    ["none where no pod is in the way", [newPod("agent-a"), oldPod("agent-b")], ""],
  ])("%s", (_what, pods, holdup) => {
    expect(messageOf(pods)).toBe(`2 of 3 new pods have been created${holdup}`);
  });

  test("and nothing else does", () => {
    const view = rolloutView(HALFWAY, { pods: [newPod("web-3", { ready: false })] });
    expect(judgeRollout(view, RESTART).status.message).toBe("1 of 2 new pods have been created");
  });
});

describe("an Argo Rollout", () => {
  const web = argoRollout("web", { pods: PODS });
  const before = { createdAt: "2026-11-22T19:59:59Z" };
  const unmarked = { restartedAt: undefined };

  test("has its new pods by their age, as its template stays the same", () => {
    const atOnce = { ...unmarked, createdAt: RESTART.restartedAt };
    const pods = [newPod("web-a", unmarked), newPod("web-b", atOnce)];
    expect(endingOf(rolloutView(web, { pods }))).toEqual(["restarted", "rolled-out", "rolled out"]);
  });

  test("is healthy for a moment while its last pods are still to come", () => {
    expect(endingOf(rolloutView(web, { pods: [newPod("web-a", unmarked)] }))).toBeUndefined();
    const pods = [newPod("web-a", unmarked), oldPod("web-b", before)];
    expect(endingOf(rolloutView(web, { pods }))).toBeUndefined();
    const { status } = judgeRollout(rolloutView(web, { pods }), RESTART);
    expect([status.ready, status.wanted]).toEqual([1, 2]);
  });

  test("that was paused or went bad is told by its controller's words", () => {
    const paused = argoRollout("web", { pods: PODS, rollout: { phase: "Paused", message: "x" } });
    expect(endingOf(rolloutView(paused, { pods: [oldPod("web-b", before)] }))).toEqual([
      "timed-out",
      "paused",
      "it was paused while it rolled",
    ]);
    const bad = argoRollout("web", { pods: PODS, rollout: { phase: "Degraded", message: "late" } });
    expect(withPrintedSteps(judgeRollout(rolloutView(bad, { pods: OLD }), RESTART).ending)).toEqual(
      {
        outcome: "failed",
        code: "degraded",
        message: "it is degraded: late; 2 old pods still serve",
        nextStep: "kubectl argo rollouts undo web -n shop",
      },
    );
  });

  test("that somebody else restarted since is judged by its pods", () => {
    const pods = [newPod("web-a"), newPod("web-b")];
    const view = rolloutView(web, { pods, restartedAt: "2026-11-22T20:09:00Z" });
    expect(endingOf(view)?.[1]).toBe("superseded");
  });
});
