import { describe, expect, test } from "vitest";
import {
  advanceWaiting,
  startWaiting,
  type WaitingAction,
  type WaitingObservation,
} from "../../../src/rollout/waiting.ts";
import type { DeploymentRollout, PodTrouble } from "../../../src/snapshot.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { deployment } from "../../support/build/workload.ts";

const RESTARTED_AT = "2026-11-26T20:00:00Z";
const TIMEOUT = 60_000;
const TURN = { kind: "turn" } as const;
const NO_ANSWER = { kind: "no-answer", aborted: false } as const;
const FORBIDDEN = { kind: "forbidden", message: 'deployments.apps "web" is forbidden' } as const;
const GONE = { kind: "answer", workload: undefined, aborted: false } as const;

/** `web` with a number of its two pods available. */
function answer(
  available: number,
  rollout: Partial<DeploymentRollout> = {},
  trouble?: PodTrouble,
): WaitingObservation {
  const pods = [{ ...sidecars(2, proxyImage("v1.27.9-6")), trouble }];
  const status = { replicas: 2, updated: 2, available };
  const workload = deployment("web", { pods, rollout: { status, ...rollout } });
  return { kind: "answer", workload, aborted: false };
}

/** The action after each observation, which comes at a number of seconds. */
function play(events: readonly (readonly [at: number, WaitingObservation])[]): readonly string[] {
  const { namespace, kind, name, uid } = deployment("web");
  let waiting = startWaiting({ namespace, kind, name, uid }, RESTARTED_AT, TIMEOUT, 0);
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
      [ONE, NONE, ONE, "read", STALLED],
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
const TROUBLE = { pod: "web-1", reason: "CrashLoopBackOff", message: "back-off" };
const SINCE = `restarted at ${RESTARTED_AT},`;

test.each<[what: string, observation: WaitingObservation, action: string]>([
  ["still rolling", answer(1), ONE],
  ["done", answer(2), `waited rolled-out: ${SINCE} rolled out`],
  ["paused", answer(1, { paused: true }), `timed-out paused: ${SINCE} and now paused`],
  [
    "failing",
    answer(1, {}, TROUBLE),
    `timed-out unhealthy: ${SINCE} but its pod web-1 is in CrashLoopBackOff`,
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
    "timed-out interrupted: the run was interrupted, still rolling",
  ],
])("a workload that an earlier run restarted and that is %s", (_what, observation, action) => {
  expect(play([[0, observation]])).toEqual([action]);
});
