import { describe, expect, test } from "vitest";
import { rolloutStatus } from "../../../src/rollout/status.ts";
import type {
  Condition,
  DaemonSetRollout,
  DeploymentRollout,
  StatefulSetRollout,
} from "../../../src/snapshot.ts";
import {
  argoRolloutFacts,
  daemonSetRollout,
  deploymentRollout,
  statefulSetRollout,
} from "../../support/build/workload.ts";

// Rows after the branches of k8s.io/kubectl `pkg/polymorphichelpers/rollout_status.go`.
const UNSEEN = { generation: 4, observedGeneration: 3 };
const NOT_SEEN = "the controller has not seen the change yet";

const LATE: Condition = {
  type: "Progressing",
  status: "False",
  reason: "ProgressDeadlineExceeded",
  message: 'ReplicaSet "web-1" has timed out progressing.',
};
const FAILED = `progress deadline exceeded: ${LATE.message}`;

describe("a Deployment", () => {
  test.each<
    [
      what: string,
      replicas: number,
      overrides: Partial<DeploymentRollout>,
      state: string,
      message: string,
      ready: number,
    ]
  >([
    ["is done", 3, {}, "done", "rolled out", 3],
    ["without replicas is done", 0, {}, "done", "rolled out", 0],
    ["is not seen yet, although it looks done", 3, UNSEEN, "waiting", NOT_SEEN, 3],
    [
      "is seen where the controller is at its generation",
      3,
      { generation: 3 },
      "done",
      "rolled out",
      3,
    ],
    ["is past its deadline", 3, { conditions: [LATE] }, "failed", FAILED, 3],
    [
      "is past the deadline of the rollout before",
      3,
      { ...UNSEEN, conditions: [LATE] },
      "waiting",
      NOT_SEEN,
      3,
    ],
    [
      "progresses",
      3,
      { conditions: [{ ...LATE, reason: "NewReplicaSetAvailable" }] },
      "done",
      "rolled out",
      3,
    ],
    [
      "has that reason in another condition",
      3,
      { conditions: [{ ...LATE, type: "Available" }] },
      "done",
      "rolled out",
      3,
    ],
    [
      "lacks updated pods",
      3,
      { status: { replicas: 3, updated: 1, available: 3 } },
      "waiting",
      "1 of 3 new pods have been created",
      1,
    ],
    [
      "has old pods",
      3,
      { status: { replicas: 4, updated: 3, available: 4 } },
      "waiting",
      "1 old pod left",
      3,
    ],
    [
      "has updated pods that are not available",
      3,
      { status: { replicas: 3, updated: 3, available: 2 } },
      "waiting",
      "2 of 3 new pods are available",
      2,
    ],
    [
      "lacks updated pods before anything else",
      3,
      { status: { replicas: 5, updated: 2, available: 0 } },
      "waiting",
      "2 of 3 new pods have been created",
      0,
    ],
  ])("%s", (_what, replicas, overrides, state, message, ready) => {
    expect(rolloutStatus(deploymentRollout(replicas, overrides))).toEqual({
      state,
      message,
      ready,
      wanted: replicas,
    });
  });
});

describe("a StatefulSet", () => {
  test.each<
    [
      what: string,
      replicas: number,
      overrides: Partial<StatefulSetRollout>,
      state: string,
      message: string,
      progress: readonly [ready: number, wanted: number],
    ]
  >([
    ["is done", 3, {}, "done", "rolled out", [3, 3]],
    ["is not seen yet, although it looks done", 3, UNSEEN, "waiting", NOT_SEEN, [3, 3]],
    ["was never seen", 3, { generation: 0, observedGeneration: 0 }, "waiting", NOT_SEEN, [3, 3]],
    [
      "lacks ready pods",
      3,
      { status: { ready: 2, updated: 3 } },
      "waiting",
      "2 of 3 pods are ready",
      [2, 3],
    ],
    [
      "lacks updated pods",
      3,
      { status: { ready: 3, updated: 1 } },
      "waiting",
      "1 of 3 new pods have been created",
      [1, 3],
    ],
    [
      "lacks ready pods before updated ones",
      3,
      { status: { ready: 1, updated: 2 } },
      "waiting",
      "1 of 3 pods are ready",
      [0, 3],
    ],
    [
      "is done down to its partition",
      3,
      { partition: 2, status: { ready: 3, updated: 1 } },
      "done",
      "rolled out",
      [1, 1],
    ],
    [
      "is not done down to its partition",
      3,
      { partition: 1, status: { ready: 3, updated: 1 } },
      "waiting",
      "1 of 2 new pods have been created",
      [1, 2],
    ],
    [
      "with a partition needs every pod ready",
      3,
      { partition: 2, status: { ready: 2, updated: 1 } },
      "waiting",
      "2 of 3 pods are ready",
      [0, 1],
    ],
    [
      "whose partition is beyond its replicas wants none",
      3,
      { partition: 5, status: { ready: 3, updated: 0 } },
      "done",
      "rolled out",
      [0, 0],
    ],
  ])("%s", (_what, replicas, overrides, state, message, [ready, wanted]) => {
    expect(rolloutStatus(statefulSetRollout(replicas, overrides))).toEqual({
      state,
      message,
      ready,
      wanted,
    });
  });
});

test("OnDelete has no rollout: kubectl reports an error, too", () => {
  const message = "its update strategy is OnDelete: it has no rollout";
  expect(rolloutStatus(statefulSetRollout(3, { strategy: "OnDelete" }))).toEqual({
    state: "failed",
    message,
    ready: 3,
    wanted: 3,
  });
  const status = { desired: 5, updated: 1, available: 5 };
  expect(rolloutStatus(daemonSetRollout(5, { strategy: "OnDelete", status }))).toEqual({
    state: "failed",
    message,
    ready: 1,
    wanted: 5,
  });
});

describe("a DaemonSet", () => {
  test.each<
    [
      what: string,
      desired: number,
      overrides: Partial<DaemonSetRollout>,
      state: string,
      message: string,
      ready: number,
    ]
  >([
    ["is done", 5, {}, "done", "rolled out", 5],
    ["without nodes is done", 0, {}, "done", "rolled out", 0],
    ["is not seen yet, although it looks done", 5, UNSEEN, "waiting", NOT_SEEN, 5],
    [
      "lacks updated pods",
      5,
      { status: { desired: 5, updated: 2, available: 4 } },
      "waiting",
      "2 of 5 new pods have been created",
      1,
    ],
    [
      "lacks available pods",
      5,
      { status: { desired: 5, updated: 5, available: 4 } },
      "waiting",
      "4 of 5 pods are available",
      4,
    ],
  ])("%s", (_what, desired, overrides, state, message, ready) => {
    expect(rolloutStatus(daemonSetRollout(desired, overrides))).toEqual({
      state,
      message,
      ready,
      wanted: desired,
    });
  });
});

// Rows after argoproj/argo-rollouts `utils/rollout/rolloututil.go`, GetRolloutPhase.
test.each([
  ["healthy", {}, "done", "rolled out"],
  ["not seen yet, although it looks healthy", UNSEEN, "waiting", NOT_SEEN],
  [
    "restarting",
    { phase: "Progressing", message: "rollout is restarting" },
    "waiting",
    "rollout is restarting",
  ],
  ["paused", { phase: "Paused", message: "manually paused" }, "waiting", "manually paused"],
  [
    "degraded",
    { phase: "Degraded", message: "RolloutAborted: x" },
    "failed",
    "degraded: RolloutAborted: x",
  ],
  ["without a phase", { phase: "" }, "waiting", "its controller has not reported a status yet"],
])("an Argo Rollout that is %s", (_what, overrides, state, message) => {
  expect(rolloutStatus(argoRolloutFacts(3, overrides))).toEqual({
    state,
    message,
    ready: 3,
    wanted: 3,
  });
});
