import { describe, expect, test } from "vitest";
import {
  advanceWaiting,
  startWaiting,
  type WaitingAction,
  type WaitingObservation,
} from "../../../src/rollout/waiting.ts";
import type { DeploymentRollout, RollingPod } from "../../../src/snapshot.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import {
  crashingPod,
  newPod,
  oldPod,
  RESTART,
  rolloutView,
  unschedulablePod,
} from "../../support/build/rollout-view.ts";
import { deployment } from "../../support/build/workload.ts";

const PATIENCE = { timeout: 60_000, schedulingTimeout: 30_000 };
const TURN = { kind: "turn" } as const;
const NO_ANSWER = { kind: "no-answer", aborted: false } as const;
const FORBIDDEN = { kind: "forbidden", message: 'deployments.apps "web" is forbidden' } as const;
const GONE = { kind: "answer", view: undefined, aborted: false } as const;

/** `web` with a number of its two pods available. */
function answer(
  available: number,
  rollout: Partial<DeploymentRollout> = {},
  pods?: readonly RollingPod[],
  refusals: readonly string[] = [],
): WaitingObservation {
  const groups = [sidecars(2, proxyImage("v1.27.9-6"))];
  const status = { replicas: 2, updated: 2, available };
  const workload = deployment("web", { pods: groups, rollout: { status, ...rollout } });
  const both = [0, 1].map((index) => newPod(`web-${index}`, { ready: index < available }));
  const view = rolloutView(workload, { pods: pods ?? both, refusals });
  return { kind: "answer", view, aborted: false };
}

/** The action after each observation, which comes at a number of seconds. */
function play(events: readonly (readonly [at: number, WaitingObservation])[]): readonly string[] {
  const { namespace, kind, name, uid } = deployment("web");
  let waiting = startWaiting({ namespace, kind, name, uid }, RESTART, PATIENCE, 0);
  return events.map(([at, observation]) => {
    const [next, action] = advanceWaiting(waiting, observation, at * 1000);
    waiting = next;
    return textOf(action);
  });
}

function textOf(action: WaitingAction): string {
  switch (action.kind) {
    case "read":
      return "read";
    case "check-room":
      return `check room for ${action.podUid}`;
    case "poll":
      return action.report === undefined ? "poll" : `poll: ${action.report}`;
    case "end": {
      const { outcome, code, message } = action.ending;
      return `${outcome} ${code}: ${message}`;
    }
  }
}

const ONE = "poll: 1 of 2 new pods are available";
const NONE = "poll: 0 of 2 new pods are available";
const STALLED = "timed-out no-progress: no progress for 1m, still rolling";

describe("a wait", () => {
  test.each<
    [rule: string, events: readonly (readonly [number, WaitingObservation])[], actions: string[]]
  >([
    [
      "reads whenever it is its turn",
      [
        [0, TURN],
        [1, answer(0)],
        [2, TURN],
      ],
      ["read", NONE, "read"],
    ],
    [
      "reports a message once",
      [
        [0, answer(0)],
        [1, answer(0)],
        [2, answer(1)],
        [3, answer(1)],
      ],
      [NONE, "poll", ONE, "poll"],
    ],
    [
      "ends without progress for the timeout",
      [
        [0, answer(0)],
        [59, TURN],
        [59, answer(0)],
        [60, TURN],
      ],
      [NONE, "read", "poll", STALLED],
    ],
    [
      "has minReadySeconds more until a ready pod is available",
      [
        [0, answer(0, { minReadySeconds: 30 })],
        [50, answer(1, { minReadySeconds: 30 })],
        [139, TURN],
        [140, TURN],
      ],
      [NONE, ONE, "read", STALLED],
    ],
    [
      "continues if more pods are ready than ever before",
      [
        [0, answer(0)],
        [50, answer(1)],
        [60, TURN],
        [109, TURN],
        [110, TURN],
      ],
      [NONE, ONE, "read", "read", STALLED],
    ],
    [
      "ends if pods only become ready and unready again",
      [
        [0, answer(1)],
        [20, answer(0)],
        [40, answer(1)],
        [59, TURN],
        [60, TURN],
      ],
      [ONE, NONE, "poll", "read", STALLED],
    ],
    [
      "continues while the server does not answer, until the timeout",
      [
        [0, answer(1)],
        [30, NO_ANSWER],
        [59, TURN],
        [60, TURN],
      ],
      [ONE, "poll", "read", STALLED],
    ],
    [
      "ends without a read if its turn comes too late",
      [
        [0, TURN],
        [0, NO_ANSWER],
        [90, TURN],
      ],
      ["read", "poll", STALLED],
    ],
  ])("%s", (_rule, events, actions) => {
    expect(play(events)).toEqual(actions);
  });
});

const DEADLINE = {
  type: "Progressing",
  status: "False",
  reason: "ProgressDeadlineExceeded",
  message: "timed out progressing",
};
const BROKEN = [newPod("web-0"), crashingPod("web-1")];
const SINCE = `restarted at ${RESTART.restartedAt},`;

test.each<[what: string, observation: WaitingObservation, action: string]>([
  ["still rolling", answer(1), ONE],
  ["done", answer(2), `waited rolled-out: ${SINCE} rolled out`],
  ["paused", answer(1, { paused: true }), `timed-out paused: ${SINCE} and now paused`],
  [
    "failing",
    answer(1, {}, BROKEN),
    `timed-out unhealthy: ${SINCE} but the new pod web-1 is in CrashLoopBackOff: back-off; no old pod is serving`,
  ],
  [
    "past its progress deadline",
    answer(1, { conditions: [DEADLINE] }),
    `timed-out unhealthy: ${SINCE} but its last rollout exceeded the progress deadline: timed out progressing`,
  ],
  ["gone", GONE, "skipped gone: it was deleted or recreated"],
  [
    "not readable",
    FORBIDDEN,
    'skipped not-read: not allowed to read its status: deployments.apps "web" is forbidden',
  ],
  [
    "still rolling when the run is aborted",
    { ...answer(1), aborted: true } as WaitingObservation,
    "still-rolling interrupted: the run was interrupted, still rolling",
  ],
])("a workload that an earlier run restarted and that is %s", (_what, observation, action) => {
  expect(play([[0, observation]])).toEqual([action]);
});

const QUOTA = "exceeded quota: q";
const HALF = { status: { replicas: 2, updated: 1, available: 1 } };
const REFUSED = answer(1, HALF, [oldPod("web-0"), newPod("web-1", { ready: false })], [QUOTA]);
const ENDING = answer(1, HALF, [oldPod("web-0", { terminating: true }), newPod("web-1")], [QUOTA]);
const PENDING = answer(1, HALF, [oldPod("web-0"), unschedulablePod("web-1")]);
const NO_QUOTA = (serving: string) => `poll: new pods cannot be created: ${QUOTA}; ${serving}`;
const NO_NODE = "the new pod web-1 cannot be scheduled: no nodes available; 1 old pod still serves";

describe("a wait for new pods that cannot run", () => {
  test.each<
    [rule: string, events: readonly (readonly [number, WaitingObservation])[], actions: string[]]
  >([
    [
      "ends after the grace period of their problem",
      [
        [0, REFUSED],
        [29, REFUSED],
        [30, REFUSED],
      ],
      [
        NO_QUOTA("1 old pod still serves"),
        "poll",
        `timed-out unhealthy: ${SINCE} but new pods cannot be created: ${QUOTA}; 1 old pod still serves`,
      ],
    ],
    [
      "continues while old pods are ending",
      [
        [0, ENDING],
        [59, ENDING],
        [60, TURN],
      ],
      [NO_QUOTA("no old pod is serving"), "poll", STALLED],
    ],
    [
      "ends if no node is on its way",
      [
        [0, PENDING],
        [30, PENDING],
        [30, { kind: "room", expected: false, aborted: false }],
      ],
      [
        `poll: ${NO_NODE}`,
        "check room for uid-web-1",
        `timed-out unhealthy: ${SINCE} but ${NO_NODE}`,
      ],
    ],
    [
      "continues if a node is on its way",
      [
        [0, PENDING],
        [30, PENDING],
        [30, { kind: "room", expected: true, aborted: false }],
      ],
      [`poll: ${NO_NODE}`, "check room for uid-web-1", "poll"],
    ],
    [
      "continues if a container crashed once",
      [
        [0, answer(1, {}, [newPod("web-0"), crashingPod("web-1", "passing")])],
        [12, answer(2)],
      ],
      [
        "poll: the new pod web-1 is in CrashLoopBackOff: back-off; no old pod is serving",
        `waited rolled-out: ${SINCE} rolled out`,
      ],
    ],
  ])("%s", (_rule, events, actions) => {
    expect(play(events)).toEqual(actions);
  });
});
