import { describe, expect, test } from "vitest";
import {
  advanceFollowing,
  type FollowingAction,
  type FollowingObservation,
  startFollowing,
} from "../../../src/rollout/following.ts";
import type { RollingPod, Workload } from "../../../src/snapshot.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
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

const PATIENCE = { timeout: 60_000, schedulingTimeout: 30_000 };
const LATE = [sidecars(3, proxyImage("v1.27.7-1"))];
const OLD = [oldPod("web-1"), oldPod("web-2"), oldPod("web-3")];
const QUOTA = "exceeded quota: q";
const NO_ANSWER = { kind: "no-answer", aborted: false } as const;
const FORBIDDEN = { kind: "forbidden", message: "jane cannot get it", aborted: false } as const;
const ROOM = { kind: "room", expected: true } as const;
const NO_ROOM = { kind: "room", expected: false } as const;

/** `web` with some of its three pods replaced; `refusal` if the next one cannot be created. */
function view(updated: number, refusal?: string, fresh?: RollingPod): FollowingObservation {
  const status = { replicas: 3 + (updated > 0 ? 1 : 0), updated, available: 3 };
  const conditions = [
    { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: refusal ?? "" },
  ];
  const workload = deployment("web", {
    pods: LATE,
    rollout: { status, conditions: refusal === undefined ? [] : conditions },
  });
  const news = fresh ? [fresh] : [newPod("web-4"), newPod("web-5")].slice(0, updated);
  const refusals = refusal === undefined ? [] : [refusal];
  const pods = [...OLD.slice(0, 4 - news.length), ...news];
  return { kind: "view", view: rolloutView(workload, { pods, refusals }), aborted: false };
}

const PENDING = view(1, undefined, unschedulablePod("web-4"));
/** `web` with one new pod that has started. */
const STARTED = (pod: RollingPod, ...others: readonly RollingPod[]): FollowingObservation => {
  const status = { replicas: 4, updated: 1, available: 3 };
  const workload = deployment("web", { pods: LATE, rollout: { status } });
  return {
    kind: "view",
    view: rolloutView(workload, { pods: [...OLD, pod, ...others] }),
    aborted: false,
  };
};

/** `web` with one old pod that is terminating, in whose place no new one fits yet. */
const ENDING = (refusal?: string, fresh?: RollingPod): FollowingObservation => {
  const terminating = oldPod("web-1", { terminating: true });
  const workload = deployment("web", {
    pods: LATE,
    rollout: { status: { replicas: 2, updated: fresh ? 1 : 0, available: 2 } },
  });
  const pods = [terminating, ...OLD.slice(1), ...(fresh ? [fresh] : [])];
  const refusals = refusal === undefined ? [] : [refusal];
  return { kind: "view", view: rolloutView(workload, { pods, refusals }), aborted: false };
};

const DONE: FollowingObservation = {
  kind: "view",
  view: rolloutView(deployment("web", { pods: LATE }), {
    pods: [newPod("web-4"), newPod("web-5"), newPod("web-6")],
  }),
  aborted: false,
};

type Event = readonly [at: number, FollowingObservation | typeof ROOM | typeof NO_ROOM];

/** The action after each observation, which comes at a number of seconds. */
function play(events: readonly Event[], patience = PATIENCE): readonly string[] {
  const { namespace, kind, name, uid } = deployment("web");
  let following = startFollowing({ namespace, kind, name, uid }, RESTART, patience, 0);
  let action: FollowingAction = { kind: "poll", report: undefined };
  return events.map(([at, observed]) => {
    const observation = answerTo(action, observed);
    [following, action] = advanceFollowing(following, observation, at * 1000);
    return textOf(action);
  });
}

function answerTo(action: FollowingAction, observed: Event[1]): FollowingObservation {
  if (observed.kind !== "room") return observed;
  if (action.kind !== "check-room") throw new Error("nobody asked for room");
  return { ...observed, hindrance: action.hindrance, aborted: false };
}

function textOf(action: FollowingAction): string {
  switch (action.kind) {
    case "poll":
      return action.report === undefined ? "poll" : `poll: ${action.report.message}`;
    case "check-room":
      return `check room for ${action.podUid}`;
    case "end":
      return `${action.ending.outcome} ${action.ending.code}`;
  }
}

const CREATED = (pods: number) => `poll: ${pods} of 3 new pods have been created`;
const NO_QUOTA = `poll: new pods cannot be created: ${QUOTA}; 3 old pods still serve`;
const NO_NODE =
  "poll: the new pod web-4 cannot be scheduled: no nodes available; 3 old pods still serve";

const CRASHES = "poll: the new pod web-4 is in CrashLoopBackOff: back-off; 3 old pods still serve";
const REJECTED =
  "poll: the new pod web-4 has failed: OutOfcpu: no cpu left; 3 old pods still serve";

describe("a rollout", () => {
  test.each<[rule: string, events: readonly Event[], actions: readonly string[]]>([
    ["that is done ends", [[1, DONE]], ["restarted rolled-out"]],
    ["whose workload is gone ends", [[1, { kind: "gone" }]], ["skipped gone"]],
    [
      "is reported if something is new",
      [
        [0, view(0)],
        [1, view(0)],
        [2, view(1)],
        [3, view(1)],
      ],
      [CREATED(0), "poll", CREATED(1), "poll"],
    ],
    [
      "ends without progress for the timeout",
      [
        [0, view(0)],
        [59, view(0)],
        [60, view(0)],
      ],
      [CREATED(0), "poll", "timed-out no-progress"],
    ],
    [
      "is followed as long as it makes progress",
      [
        [0, view(0)],
        [50, view(1)],
        [109, view(1)],
        [110, view(1)],
      ],
      [CREATED(0), CREATED(1), "poll", "timed-out no-progress"],
    ],
    [
      "makes no progress while its pods become ready and unready again",
      [
        [0, STARTED(newPod("web-4"))],
        [20, STARTED(newPod("web-4", { ready: false }))],
        [40, STARTED(newPod("web-4"))],
        [59, STARTED(newPod("web-4", { ready: false }))],
        [60, STARTED(newPod("web-4"))],
      ],
      [CREATED(1), CREATED(1), "poll", "poll", "timed-out no-progress"],
    ],
    [
      "makes no progress while its old pods come and go, or pods are created",
      [
        [0, view(0)],
        [30, ENDING()],
        [50, STARTED(newPod("web-4", { ready: false }))],
        [60, STARTED(newPod("web-4", { ready: false }), newPod("web-5", { ready: false }))],
      ],
      [CREATED(0), "poll", CREATED(1), "timed-out no-progress"],
    ],
    [
      "is followed without answers until the timeout",
      [
        [0, view(0)],
        [59, NO_ANSWER],
        [60, NO_ANSWER],
      ],
      [CREATED(0), "poll", "timed-out no-progress"],
    ],
    [
      "ends if it may not be read for three seconds",
      [
        [0, view(0)],
        [1, FORBIDDEN],
        [3.9, FORBIDDEN],
        [4, FORBIDDEN],
      ],
      [CREATED(0), "poll", "poll", "still-rolling permission-lost"],
    ],
    [
      "is followed if it may be read again",
      [
        [0, view(0)],
        [1, FORBIDDEN],
        [3, view(0)],
        [5, FORBIDDEN],
        [7, FORBIDDEN],
      ],
      [CREATED(0), "poll", "poll", "poll", "poll"],
    ],
    [
      "ends at once after an abort, with the last answer",
      [
        [0, view(0)],
        [1, { ...view(1), aborted: true } as FollowingObservation],
      ],
      [CREATED(0), "still-rolling interrupted"],
    ],
  ])("%s", (_rule, events, actions) => {
    expect(play(events)).toEqual(actions);
  });
});

describe("a hindrance", () => {
  test.each<[rule: string, events: readonly Event[], actions: readonly string[]]>([
    [
      "is a failure once its grace period is over",
      [
        [0, view(0, QUOTA)],
        [29, view(0, QUOTA)],
        [30, view(0, QUOTA)],
      ],
      [NO_QUOTA, "poll", "failed quota"],
    ],
    [
      "has a new grace period after progress",
      [
        [0, view(0, QUOTA)],
        [29, view(1, QUOTA)],
        [58, view(1, QUOTA)],
        [59, view(1, QUOTA)],
      ],
      [NO_QUOTA, NO_QUOTA, "poll", "failed quota"],
    ],
    [
      "has a grace period of its own after another hindrance",
      [
        [0, view(0, QUOTA)],
        [29, view(0, "etcdserver: request timed out")],
        [43, view(0, "etcdserver: request timed out")],
        [44, view(0, "etcdserver: request timed out")],
      ],
      [
        NO_QUOTA,
        "poll: new pods cannot be created: etcdserver: request timed out; 3 old pods still serve",
        "poll",
        "failed create-failed",
      ],
    ],
    [
      "is forgotten once it has passed",
      [
        [0, view(0, QUOTA)],
        [20, view(0)],
        [40, view(0, QUOTA)],
        [59, view(0, QUOTA)],
      ],
      [NO_QUOTA, CREATED(0), "poll", "poll"],
    ],
    [
      "is none while old pods are ending, until the timeout",
      [
        [0, ENDING(QUOTA)],
        [31, ENDING(QUOTA)],
        [59, ENDING(QUOTA)],
        [60, ENDING(QUOTA)],
      ],
      [NO_QUOTA.replace("3 old", "2 old"), "poll", "poll", "timed-out no-progress"],
    ],
    [
      "is none for a pod without a node while old pods are ending",
      [
        [0, ENDING(undefined, unschedulablePod("web-4"))],
        [59, ENDING(undefined, unschedulablePod("web-4"))],
      ],
      [NO_NODE.replace("3 old", "2 old"), "poll"],
    ],
    [
      "of a container that crashes once passes",
      [
        [0, STARTED(crashingPod("web-4", "passing"))],
        [12, STARTED(newPod("web-4"))],
        [50, STARTED(newPod("web-4"))],
      ],
      [CRASHES, CREATED(1), "poll"],
    ],
    [
      "of a container that does not start again is a failure",
      [
        [0, STARTED(crashingPod("web-4", "passing"))],
        [29, STARTED(crashingPod("web-4", "passing"))],
        [30, STARTED(crashingPod("web-4", "passing"))],
      ],
      [CRASHES, "poll", "failed pod-failed"],
    ],
    [
      "of a container that crashes again is a failure at once",
      [
        [0, STARTED(crashingPod("web-4", "passing"))],
        [14, STARTED(crashingPod("web-4"))],
      ],
      [CRASHES, "failed pod-failed"],
    ],
    [
      "of pods that fail again and again is a failure after 30 s",
      [
        [0, STARTED(failedPod("web-4"))],
        [15, STARTED(failedPod("web-4"), failedPod("web-5"))],
        [31, STARTED(failedPod("web-4"), failedPod("web-5"), failedPod("web-6"))],
      ],
      [REJECTED, "poll", "failed pod-failed"],
    ],
    [
      "of pods that were evicted once is none while their replacements start",
      [
        [0, STARTED(failedPod("web-4"))],
        [59, STARTED(failedPod("web-4"), newPod("web-5", { ready: false }))],
      ],
      [REJECTED, "poll"],
    ],
    [
      "ends the rollout if no node is on its way",
      [
        [0, PENDING],
        [30, PENDING],
        [30, NO_ROOM],
      ],
      [NO_NODE, "check room for uid-web-4", "failed unschedulable"],
    ],
    [
      "may take the whole timeout if a node is on its way",
      [
        [0, PENDING],
        [30, PENDING],
        [30, ROOM],
        [60, PENDING],
        [60, ROOM],
      ],
      [
        NO_NODE,
        "check room for uid-web-4",
        "poll",
        "check room for uid-web-4",
        "timed-out no-progress",
      ],
    ],
  ])("%s", (_rule, events, actions) => {
    expect(play(events)).toEqual(actions);
  });
});

describe("a pod that is ready, but available only after minReadySeconds", () => {
  const slow = { minReadySeconds: 100 };
  const half = { replicas: 3, updated: 1, available: 2 };
  test.each<[Workload]>([
    [deployment("web", { pods: LATE, rollout: { ...slow, status: half } })],
    [statefulSet("db", { pods: LATE, rollout: { ...slow, status: { ready: 3, updated: 1 } } })],
    [
      daemonSet("agent", {
        pods: LATE,
        rollout: { ...slow, status: { desired: 3, updated: 1, available: 2 } },
      }),
    ],
    [
      argoRollout("canary", {
        pods: LATE,
        rollout: { ...slow, status: half, phase: "Progressing", message: "restarting" },
      }),
    ],
  ])("has that time before the timeout begins: $kind", (workload) => {
    const { namespace, kind, name, uid } = workload;
    const pods = [oldPod("one"), oldPod("two"), newPod("three")];
    const observation = {
      kind: "view",
      view: rolloutView(workload, { pods }),
      aborted: false,
    } as const;
    let following = startFollowing({ namespace, kind, name, uid }, RESTART, PATIENCE, 0);
    const actions = [0, 159, 160].map((at) => {
      const [next, action] = advanceFollowing(following, observation, at * 1000);
      following = next;
      return action.kind === "end" ? action.ending.code : action.kind;
    });
    expect(actions).toEqual(["poll", "poll", "no-progress"]);
  });
});

test("a pod without a node has the time of --scheduling-timeout until a node is announced", () => {
  const events: readonly Event[] = [
    [0, PENDING],
    [30, PENDING],
    [49, PENDING],
    [50, PENDING],
    [50, NO_ROOM],
  ];
  expect(play(events, { timeout: 60_000, schedulingTimeout: 50_000 })).toEqual([
    NO_NODE,
    "poll",
    "poll",
    "check room for uid-web-4",
    "failed unschedulable",
  ]);
});

test("a DaemonSet's report names the node that it waits for after 30 s", () => {
  const agent = daemonSet("agent", {
    pods: LATE,
    rollout: { status: { desired: 3, updated: 1, available: 2 } },
  });
  const pods = [oldPod("agent-1"), oldPod("agent-2"), newPod("agent-3", { ready: false })];
  const slow: FollowingObservation = {
    kind: "view",
    view: rolloutView(agent, { pods }),
    aborted: false,
  };
  const node = "waiting for node aks-1, where agent-3 is not ready";
  const { namespace, kind, name, uid } = agent;
  let following = startFollowing({ namespace, kind, name, uid }, RESTART, PATIENCE, 0);
  const messages = [0, 29, 30, 60].map((at) => {
    const [next, action] = advanceFollowing(following, slow, at * 1000);
    following = next;
    return action.kind === "end" ? action.ending.message : textOf(action);
  });
  expect(messages).toEqual([
    CREATED(1),
    "poll",
    `${CREATED(1)}; ${node}`,
    "no progress for 1m, still rolling",
  ]);
});
