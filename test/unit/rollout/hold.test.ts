import { describe, expect, test } from "vitest";
import { resolveMesh } from "../../../src/mesh/mesh.ts";
import { NO_CONSENT } from "../../../src/mesh/consent.ts";
import { holdReason } from "../../../src/rollout/hold.ts";
import type { PodTrouble, RollingPod, Workload } from "../../../src/snapshot.ts";
import { assessmentOf, meshOf } from "../../support/build/assessment.ts";
import { controlPlane } from "../../support/build/control-plane.ts";
import { crashing, proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  crashingPod,
  failedPod,
  newPod,
  oldPod,
  rolloutView,
  unschedulablePod,
} from "../../support/build/rollout-view.ts";
import { argoRollout, deployment, statefulSet } from "../../support/build/workload.ts";

const LATE = proxyImage("v1.27.7-1");
const TO = { revision: "asm-1-27", image: proxyImage("v1.27.9-6") };

/** Half way: one of two pods is new. */
const rolling = {
  status: { replicas: 3, updated: 1, available: 2 },
};
const web = (rollout: object = {}, trouble?: PodTrouble) =>
  deployment("web", { pods: [{ ...sidecars(2, LATE), trouble }], rollout });

function hold(
  workload: Workload,
  mesh = meshOf(),
  unhealthy = false,
  pods?: readonly RollingPod[],
  refusals: readonly string[] = [],
) {
  const policy = { unhealthy };
  const assessment = assessmentOf(workload, { mesh, policy });
  const rules = { consent: { ...NO_CONSENT, ...policy }, schedulingTimeout: 40_000 };
  const view = pods && rolloutView(workload, { pods, refusals });
  return holdReason(TO, assessment, mesh, rules, view);
}

/** The control plane of the target, not ready in one way or another. */
function meshWith(state: { ready?: boolean; state?: "dead"; failurePolicy?: "Ignore" }) {
  const values = { image: TO.image };
  return resolveMesh(controlPlane({ revisions: [{ name: TO.revision, values, ...state }] }));
}

test("a workload without a rollout does not wait", () => {
  expect(hold(web())).toBeUndefined();
});

test.each([
  ["that rolls", { ready: false }],
  ["that does not answer, so that new pods would be refused", { state: "dead" as const }],
  [
    "that does not answer, so that new pods would have no sidecar",
    { state: "dead" as const, failurePolicy: "Ignore" as const },
  ],
])("a control plane %s is waited for", (_what, state) => {
  expect(hold(web(), meshWith(state))).toMatchObject({
    message: "the control plane istiod-asm-1-27 is not ready",
    isOwnRollout: false,
  });
});

test("a rolling workload waits, even with --include unhealthy", () => {
  for (const unhealthy of [false, true]) {
    expect(hold(web(rolling), meshOf(), unhealthy)).toMatchObject({
      message: "already rolling: 1 of 2 new pods have been created",
      isOwnRollout: true,
    });
  }
});

test("a StatefulSet makes progress by the number of its new pods that are ready", () => {
  const at = (updated: number, ready: number) =>
    hold(
      statefulSet("db", {
        pods: [sidecars(3, LATE)],
        rollout: { status: { updated, ready } },
      }),
    )?.ready;
  expect([at(0, 2), at(1, 2), at(1, 3), at(2, 2), at(2, 3)]).toEqual([0, 0, 1, 1, 2]);
});

/** The pods of `rolling`: two old ones, and one new one. */
const podsWith = (fresh: RollingPod) => [
  oldPod("web-1"),
  oldPod("web-2"),
  { ...fresh, createdAt: "2026-11-22T20:00:03Z" },
];

describe("a rolling workload", () => {
  test("has the time of --scheduling-timeout for a pod without a node", () => {
    const held = hold(web(rolling), meshOf(), false, podsWith(unschedulablePod("web-3")));
    expect(held?.hindrance).toMatchObject({ code: "unschedulable", grace: 40_000 });
  });

  test("has the problem of its new pods", () => {
    expect(hold(web(rolling), meshOf(), false, podsWith(unschedulablePod("web-3")))).toMatchObject({
      message:
        "already rolling: the new pod web-3 cannot be scheduled: no nodes available; 2 old pods still serve",
      ready: 0,
      isOwnRollout: true,
      hindrance: { code: "unschedulable", grace: 40_000 },
    });
  });

  test("has no problem if only its old pods are in trouble", () => {
    const pods = [
      oldPod("web-1", { trouble: crashing("web-1") }),
      oldPod("web-2"),
      newPod("web-3"),
    ];
    expect(hold(web(rolling), meshOf(), false, pods)).toMatchObject({
      ready: 1,
      hindrance: undefined,
    });
  });

  test("waits for a quota while its old pods are ending, even if the condition says failure", () => {
    const conditions = [
      { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: "exceeded quota" },
    ];
    const status = { replicas: 1, updated: 0, available: 1 };
    const workload = web({ replicas: 2, status, conditions });
    const pods = [oldPod("web-1"), oldPod("web-2", { terminating: true })];
    const refusals = ["exceeded quota: q"];
    for (const unhealthy of [false, true]) {
      expect(hold(workload, meshOf(), unhealthy, pods, refusals)).toMatchObject({
        isOwnRollout: true,
        hindrance: { code: "quota", resolving: true },
      });
    }
    // The controller pauses before it tries again, and this run did not see for how long.
    expect(hold(workload, meshOf(), false, pods.slice(0, 1), refusals)?.hindrance).toMatchObject({
      resolving: false,
      grace: 90_000,
    });
  });

  test("separates pods that were created in the same second by the time of the restart", () => {
    const createdAt = "2026-11-22T20:00:03Z";
    const pods = [
      oldPod("web-0", { createdAt }),
      oldPod("web-1", { createdAt }),
      { ...crashingPod("web-2"), createdAt },
    ];
    expect(hold(web(rolling), meshOf(), false, pods)?.hindrance).toMatchObject({
      code: "pod-failed",
      pod: { name: "web-2" },
    });
  });

  test("counts the pods that have failed since its last old pod was created", () => {
    const pods = [
      ...podsWith(newPod("web-3", { ready: false })),
      failedPod("web-4", { createdAt: "2026-11-22T20:00:02Z" }),
      failedPod("web-0", { createdAt: "2026-11-19T20:00:02Z" }),
    ];
    expect(hold(web(rolling), meshOf(), false, pods)).toMatchObject({
      hindrance: { code: "pod-failed" },
      failures: ["uid-web-4"],
    });
  });

  test("that is OrderedReady has the old pod as its problem that keeps the others from being created", () => {
    const rollout = { status: { ready: 0, updated: 0 } };
    const db = statefulSet("db", { pods: [sidecars(3, LATE)], rollout });
    const [first, second] = [oldPod("db-0", { ready: false }), oldPod("db-1")];
    expect(hold(db, meshOf(), false, [first])?.hindrance).toMatchObject({
      code: "ordered-pod",
      message:
        "the old pod db-0 is not ready, and an OrderedReady StatefulSet creates no other pod until it is; no old pod is serving",
      grace: 120_000,
    });
    // If every pod exists, the controller may be about to replace it.
    expect(hold(db, meshOf(), false, [first, second, oldPod("db-2")])?.hindrance).toBeUndefined();
    expect(hold(db, meshOf(), false, [oldPod("db-0"), second])?.hindrance).toBeUndefined();
    const parallel = statefulSet("db", {
      pods: [sidecars(3, LATE)],
      rollout: { ...rollout, ordered: false },
    });
    expect(hold(parallel, meshOf(), false, [first])?.hindrance).toBeUndefined();
  });

  test("of Argo is new by its restart, since its template stays the same", () => {
    const rollout = {
      phase: "Progressing",
      message: "rollout is restarting",
      restartAt: "2026-11-22T20:00:00Z",
      restarting: true,
      status: { replicas: 2, updated: 2, available: 2 },
    };
    const workload = argoRollout("web", { pods: [sidecars(2, LATE)], rollout });
    const pods = [oldPod("web-1"), newPod("web-2", { createdAt: "2026-11-22T20:00:03Z" })];
    expect(hold(workload, meshOf(), false, pods)).toMatchObject({ ready: 1, isOwnRollout: true });
  });
});

describe("an unready workload that is not rolling", () => {
  const unready = web({ status: { replicas: 2, updated: 2, available: 1 } });
  const pods = [newPod("web-1"), newPod("web-2", { ready: false })];

  test("waits for its pod by name, except with --include unhealthy", () => {
    expect(hold(unready, meshOf(), false, pods)).toMatchObject({
      message: "not ready yet: its pod web-2 is not ready",
      ready: 1,
      isOwnRollout: false,
      hindrance: undefined,
    });
    expect(hold(unready, meshOf(), true, pods)).toBeUndefined();
  });

  test("does not wait if a restart is refused anyway", () => {
    const failing = web({ status: { replicas: 2, updated: 2, available: 1 } }, crashing("web-2"));
    expect(hold(failing)).toBeUndefined();
  });
});

test("a rollout that cannot end is not waited for", () => {
  expect(hold(web({ ...rolling, paused: true }))).toBeUndefined();
  const late = {
    type: "Progressing",
    status: "False",
    reason: "ProgressDeadlineExceeded",
    message: "",
  };
  expect(hold(web({ ...rolling, conditions: [late] }))).toBeUndefined();
});
