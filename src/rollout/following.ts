import { formatDuration } from "../duration-text.ts";
import { rolloutCommand } from "../kubernetes/kinds.ts";
import type { WorkloadRef } from "../snapshot.ts";
import type { Hindrance } from "./hindrance.ts";
import { evaluateRollout, type RolloutEvaluation } from "./evaluation.ts";
import { type Ending, ended } from "./result.ts";
import { isStalled, noteState, type Stall, startStall } from "./stall.ts";
import type { RolloutStatus } from "./status.ts";
import type { Restart, RolloutView } from "./view.ts";

/**
 * The state of following the rollout of an accepted restart: a state machine without clock, cluster
 * or promise.
 */
export interface Following {
  readonly ref: WorkloadRef;
  readonly restart: Restart;
  /** Milliseconds that the rollout may go without progress. */
  readonly timeout: number;
  readonly stall: Stall<string>;
  /** A timer that runs from the start of the hindrance, or from the last progress if that is later. */
  readonly grace: Stall<string>;
  /** The last evaluation; `undefined` before the first answer. */
  readonly last: RolloutEvaluation | undefined;
  /** The last report. */
  readonly reported: RolloutReport | undefined;
}

export type RolloutReport = Pick<RolloutStatus, "message" | "ready" | "wanted">;

/** The result of the last action; `aborted` is true if the user wants the report at once. */
export type FollowingObservation =
  | { readonly kind: "view"; readonly view: RolloutView; readonly aborted: boolean }
  /** The workload was deleted or recreated. */
  | { readonly kind: "gone" }
  | { readonly kind: "no-answer"; readonly aborted: boolean }
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
  timeout: number,
  now: number,
): Following {
  return {
    ref,
    restart,
    timeout,
    stall: startStall(now),
    grace: startStall(now),
    last: undefined,
    reported: undefined,
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
    case "view":
      return afterView(following, observation, now);
    case "room":
      // A node that is about to join is worth the whole timeout.
      return observation.expected
        ? poll(following, observation.aborted, now)
        : endHindered(following, observation.hindrance);
  }
}

function afterView(
  before: Following,
  { view, aborted }: FollowingObservation & { readonly kind: "view" },
  now: number,
): Next {
  const last = evaluateRollout(view, before.restart);
  const { ending, hindrance, progress } = last;
  const stall = noteState(before.stall, progress, now);
  // Progress restarts the grace period, as a new hindrance does.
  const grace = noteState(
    stall === before.stall ? before.grace : startStall(now),
    hindrance?.code ?? "",
    now,
  );
  const following = { ...before, last, stall, grace };
  if (ending !== undefined) return end(following, ending);
  if (hindrance === undefined || !isStalled(grace, hindrance.grace, now)) {
    return poll(following, aborted, now);
  }
  return hindrance.pod === undefined
    ? endHindered(following, hindrance)
    : [following, { kind: "check-room", hindrance, podUid: hindrance.pod.uid }];
}

function poll(following: Following, aborted: boolean, now: number): Next {
  const { last, stall, timeout, reported } = following;
  if (aborted) return endRolling(following, "interrupted", "still rolling");
  if (isStalled(stall, timeout, now)) {
    const message = `no progress for ${formatDuration(timeout)}, still rolling`;
    return endRolling(following, "no-progress", message);
  }
  const report = last && reportOf(last);
  if (report === undefined || isSameReport(report, reported)) {
    return [following, { kind: "poll", report: undefined }];
  }
  return [
    { ...following, reported: report },
    { kind: "poll", report },
  ];
}

function reportOf({ status, hindrance }: RolloutEvaluation): RolloutReport {
  const { ready, wanted } = status;
  return { message: hindrance?.message ?? status.message, ready, wanted };
}

function isSameReport(one: RolloutReport, other: RolloutReport | undefined): boolean {
  return one.message === other?.message && one.ready === other.ready && one.wanted === other.wanted;
}

function endHindered(following: Following, { code, message, nextStep }: Hindrance): Next {
  return end(following, ended("failed", code, message, nextStep));
}

function endRolling(following: Following, code: string, message: string): Next {
  const nextStep = rolloutCommand("status", following.ref);
  return end(following, ended("timed-out", code, message, nextStep));
}

function end(following: Following, ending: Ending): Next {
  return [following, { kind: "end", ending }];
}
