import { formatDuration } from "../duration-text.ts";
import { rolloutCommand } from "../kubernetes/kinds.ts";
import type { WorkloadRef } from "../snapshot.ts";
import { type Hindrance, podWithoutNode } from "./hindrance.ts";
import { evaluateRollout, hinderedEnding, type RolloutEvaluation } from "./evaluation.ts";
import { type Milestones, NO_MILESTONES, noteMilestones } from "./milestones.ts";
import { type Ending, ended } from "./result.ts";
import {
  isHinderedTooLong,
  isStalled,
  noteRead,
  noteReport,
  type Patience,
  type Stall,
  startStall,
} from "./stall.ts";
import { permissionStep } from "./stop.ts";
import type { RolloutStatus } from "./status.ts";
import { minReadyOf, podsByAge, type Restart, type RolloutView } from "./view.ts";

/**
 * The state of following the rollout of an accepted restart: a state machine without clock, cluster
 * or promise.
 */
export interface Following {
  readonly ref: WorkloadRef;
  readonly restart: Restart;
  readonly patience: Patience;
  readonly stall: Stall;
  readonly milestones: Milestones;
  /** The last evaluation; `undefined` before the first answer. */
  readonly last: RolloutEvaluation | undefined;
  /** The time since which the user is not allowed to read the workload or its pods. */
  readonly forbiddenSince: number | undefined;
}

export type RolloutReport = Pick<RolloutStatus, "message" | "ready" | "wanted">;

/** The result of the last action; `aborted` is true if the user wants the report at once. */
export type FollowingObservation =
  | { readonly kind: "view"; readonly view: RolloutView; readonly aborted: boolean }
  /** The workload was deleted or recreated. */
  | { readonly kind: "gone" }
  | { readonly kind: "no-answer"; readonly aborted: boolean }
  /** The user is not allowed to read the workload or its pods. */
  | { readonly kind: "forbidden"; readonly message: string; readonly aborted: boolean }
  | {
      readonly kind: "room";
      readonly hindrance: Hindrance;
      /** True if the cluster is adding a node for the pod that cannot be scheduled. */
      readonly expected: boolean;
      readonly aborted: boolean;
    };

export type FollowingAction =
  /** Wait for a poll interval, then read. `report` is set if there is something new. */
  | { readonly kind: "poll"; readonly report: RolloutReport | undefined }
  | { readonly kind: "check-room"; readonly hindrance: Hindrance; readonly podUid: string }
  | { readonly kind: "end"; readonly ending: Ending };

/** @param now milliseconds since the epoch. */
export function startFollowing(
  ref: WorkloadRef,
  restart: Restart,
  patience: Patience,
  now: number,
): Following {
  return {
    ref,
    restart,
    patience,
    stall: startStall(now),
    milestones: NO_MILESTONES,
    last: undefined,
    forbiddenSince: undefined,
  };
}

type Next = readonly [Following, FollowingAction];

/**
 * Returns the new state, and the next action. The first action is to poll.
 *
 * @param now milliseconds since the epoch.
 */
export function advanceFollowing(
  following: Following,
  observation: FollowingObservation,
  now: number,
): Next {
  switch (observation.kind) {
    case "gone": {
      const message = "it was deleted or recreated during the rollout";
      return end(following, ended("skipped", "gone", message));
    }
    case "no-answer":
      // The rollout continues even if the API server does not answer; only the timeout ends the wait.
      return poll(following, observation.aborted, now);
    case "forbidden":
      return afterRejectedRead(following, observation, now);
    case "view":
      return afterView({ ...following, forbiddenSince: undefined }, observation, now);
    case "room":
      // A node that is about to join is worth the whole timeout.
      return observation.expected
        ? poll(following, observation.aborted, now)
        : end(following, hinderedEnding(observation.hindrance));
  }
}

/** The milliseconds for which reads may be forbidden: an authorizer may be unavailable for a moment. */
const FORBIDDEN_GRACE = 3000;

function afterRejectedRead(
  following: Following,
  { message, aborted }: FollowingObservation & { readonly kind: "forbidden" },
  now: number,
): Next {
  const { ref, forbiddenSince = now } = following;
  if (now - forbiddenSince < FORBIDDEN_GRACE) {
    return poll({ ...following, forbiddenSince }, aborted, now);
  }
  const why = `may still be rolling: ${message}`;
  return end(following, ended("still-rolling", "permission-lost", why, permissionStep(ref)));
}

function afterView(
  before: Following,
  { view, aborted }: FollowingObservation & { readonly kind: "view" },
  now: number,
): Next {
  const last = evaluateRollout(view, before.restart, before.patience);
  const { ending, hindrance, failures, status } = last;
  const minReady = minReadyOf(view.rollout);
  const read = { ready: status.ready, minReady, failures, hindrance };
  const stall = noteRead(before.stall, read, now);
  const pods = podsByAge(view, before.restart);
  const milestones = noteMilestones(before.milestones, pods, status.wanted, now);
  const following = { ...before, last, stall, milestones };
  if (ending !== undefined) return end(following, ending);
  if (hindrance === undefined || !isHinderedTooLong(stall, hindrance, now)) {
    return poll(following, aborted, now);
  }
  const pod = podWithoutNode(hindrance);
  return pod === undefined
    ? end(following, hinderedEnding(hindrance))
    : [following, { kind: "check-room", hindrance, podUid: pod.uid }];
}

function poll(following: Following, aborted: boolean, now: number): Next {
  const { last, stall } = following;
  const { timeout } = following.patience;
  if (aborted) return endRolling(following, "still-rolling", "interrupted", "still rolling");
  if (isStalled(stall, timeout, now)) {
    const message = `no progress for ${formatDuration(timeout)}, still rolling`;
    return endRolling(following, "timed-out", "no-progress", message);
  }
  const report = last && reportOf(last, isStalled(stall, SLOW, now));
  if (report === undefined) return [following, { kind: "poll", report }];
  // The words of a hindrance may name another pod each time.
  const { message, ready, wanted } = report;
  const topic = last?.hindrance?.code ?? message;
  const [reported, isNew] = noteReport(stall, JSON.stringify([topic, ready, wanted]));
  return [
    { ...following, stall: reported },
    { kind: "poll", report: isNew ? report : undefined },
  ];
}

/** The milliseconds without progress after which a report names the node that it waits for. */
const SLOW = 30_000;

function reportOf(
  { status, hindrance, slowNode }: RolloutEvaluation,
  isSlow: boolean,
): RolloutReport {
  const { ready, wanted } = status;
  const node = isSlow && slowNode !== undefined ? `; ${slowNode}` : "";
  return { message: hindrance?.message ?? `${status.message}${node}`, ready, wanted };
}

function endRolling(
  following: Following,
  outcome: "timed-out" | "still-rolling",
  code: string,
  message: string,
): Next {
  const nextStep = rolloutCommand("status", following.ref);
  return end(following, ended(outcome, code, message, nextStep));
}

function end(following: Following, ending: Ending): Next {
  return [following, { kind: "end", ending }];
}
