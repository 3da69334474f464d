import { describe, expect, test } from "vitest";
import {
  advanceFollowing,
  type FollowingAction,
  type FollowingObservation,
  startFollowing,
} from "../../../src/rollout/following.ts";
import type { RollingPod } from "../../../src/snapshot.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { newPod, oldPod, RESTART, rolloutView } from "../../support/build/rollout-view.ts";
import { deployment } from "../../support/build/workload.ts";

const TIMEOUT = 60_000;
const LATE = [sidecars(3, proxyImage("v1.27.7-1"))];
const OLD = [oldPod("web-1"), oldPod("web-2"), oldPod("web-3")];
const QUOTA = "exceeded quota: q";
const NO_ANSWER = { kind: "no-answer", aborted: false } as const;
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

const PENDING = view(1, undefined, newPod("web-4", { unschedulable: "no nodes available" }));
const DONE: FollowingObservation = {
  kind: "view",
  view: rolloutView(deployment("web", { pods: LATE }), {
    pods: [newPod("web-4"), newPod("web-5"), newPod("web-6")],
  }),
  aborted: false,
};

type Event = readonly [at: number, FollowingObservation | typeof ROOM | typeof NO_ROOM];

/** The action after each observation, which comes at a number of seconds. */
function play(events: readonly Event[]): readonly string[] {
  const { namespace, kind, name, uid } = deployment("web");
  let following = startFollowing({ namespace, kind, name, uid }, RESTART, TIMEOUT, 0);
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
      "is followed without answers until the timeout",
      [
        [0, view(0)],
        [59, NO_ANSWER],
        [60, NO_ANSWER],
      ],
      [CREATED(0), "poll", "timed-out no-progress"],
    ],
    [
      "ends at once after an abort, with the last answer",
      [
        [0, view(0)],
        [1, { ...view(1), aborted: true } as FollowingObservation],
      ],
      [CREATED(0), "timed-out interrupted"],
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
      [NO_QUOTA, "poll", "poll", "failed quota"],
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
      [NO_QUOTA, CREATED(0), NO_QUOTA, "poll"],
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
