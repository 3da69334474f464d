import { type NextStep, sentence } from "../next-step.ts";
import { formatDuration } from "../duration-text.ts";
import { rolloutCommand } from "../kubernetes/kinds.ts";
import { failureOf } from "../mesh/health.ts";
import type { WorkloadRef } from "../snapshot.ts";
import { hindranceOf, podWithoutNode } from "./hindrance.ts";
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
import { isPaused, rolloutStatus } from "./status.ts";
import { countReady, minReadyOf, podsByAge, type Restart, type RolloutView } from "./view.ts";

/**
 * The state of waiting for a restart that was sent before this run: a state machine without clock,
 * cluster or promise.
 */
export interface Waiting {
  readonly ref: WorkloadRef;
  readonly restart: Restart;
  readonly patience: Patience;
  readonly stall: Stall;
  /** The ending if the rollout is stuck. */
  readonly stuck: Ending | undefined;
}

/** The result of the last action; `aborted` is true if the user wants the report at once. */
export type WaitingObservation =
  /** It is this workload's turn to be read. Turns may be minutes apart if the server is slow. */
  | { readonly kind: "turn" }
  | {
      readonly kind: "answer";
      /** `undefined` if the workload was deleted or recreated. */
      readonly view: RolloutView | undefined;
      readonly aborted: boolean;
    }
  /** `expected` is true if the cluster is adding a node for a pod that cannot be scheduled. */
  | { readonly kind: "room"; readonly expected: boolean; readonly aborted: boolean }
  | { readonly kind: "forbidden"; readonly message: string }
  | { readonly kind: "no-answer"; readonly aborted: boolean };

export type WaitingAction =
  | { readonly kind: "read" }
  | { readonly kind: "check-room"; readonly podUid: string }
  /** Wait for the next turn. `report` is set if there is something new. */
  | { readonly kind: "poll"; readonly report: string | undefined }
  | { readonly kind: "end"; readonly ending: Ending };

/** @param now milliseconds since the epoch. */
export function startWaiting(
  ref: WorkloadRef,
  restart: Restart,
  patience: Patience,
  now: number,
): Waiting {
  return { ref, restart, patience, stall: startStall(now), stuck: undefined };
}

type Next = readonly [Waiting, WaitingAction];

/**
 * Returns the new state, and the next action. The first observation is a turn.
 *
 * @param now milliseconds since the epoch.
 */
export function advanceWaiting(
  waiting: Waiting,
  observation: WaitingObservation,
  now: number,
): Next {
  const { ref, stall } = waiting;
  const { timeout } = waiting.patience;
  switch (observation.kind) {
    case "turn":
      return isStalled(stall, timeout, now)
        ? endRolling(
            waiting,
            "timed-out",
            "no-progress",
            `no progress for ${formatDuration(timeout)}`,
          )
        : [waiting, { kind: "read" }];
    case "answer":
      return afterAnswer(waiting, observation, now);
    case "no-answer":
      return poll(waiting, undefined, observation.aborted);
    case "room":
      return observation.expected || waiting.stuck === undefined
        ? poll(waiting, undefined, observation.aborted)
        : end(waiting, waiting.stuck);
    case "forbidden": {
      const message = `not allowed to read its status: ${observation.message}`;
      const nextStep = sentence`ask for the permission, then check: ${rolloutCommand("status", ref)}`;
      return end(waiting, ended("skipped", "not-read", message, nextStep));
    }
  }
}

function afterAnswer(
  waiting: Waiting,
  { view, aborted }: WaitingObservation & { readonly kind: "answer" },
  now: number,
): Next {
  if (view === undefined) {
    return end(waiting, ended("skipped", "gone", "it was deleted or recreated"));
  }
  const { ref, restart } = waiting;
  const { state, message } = rolloutStatus(view.rollout);
  const since = `restarted at ${restart.restartedAt}`;
  if (isPaused(view.rollout)) {
    const resume = rolloutCommand("resume", ref);
    return end(waiting, ended("timed-out", "paused", `${since}, and now paused`, resume));
  }
  // The restart need not be the cause of a failure, so this is not called a failed restart.
  const unhealthy = (why: string, nextStep: NextStep) =>
    ended("timed-out", "unhealthy", `${since}, but ${why}`, nextStep);
  const pods = podsByAge(view, restart);
  const hindrance =
    state === "done" ? undefined : hindranceOf(view, pods, { ...waiting.patience, isJoined: true });
  const failure = failureOf({ rollout: view.rollout, pods: [] });
  if (failure !== undefined && hindrance?.grace !== 0) {
    return end(waiting, unhealthy(failure.reason, rolloutCommand("status", ref)));
  }
  if (state === "done") return end(waiting, ended("waited", "rolled-out", `${since}, rolled out`));
  const ready = countReady(pods.newPods);
  const failures = pods.failed.map(({ uid }) => uid);
  const minReady = minReadyOf(view.rollout);
  const stall = noteRead(waiting.stall, { ready, minReady, failures, hindrance }, now);
  const next = { ...waiting, stall };
  if (hindrance === undefined || !isHinderedTooLong(stall, hindrance, now)) {
    return poll(next, hindrance ?? { code: message, message }, aborted);
  }
  const stuck = unhealthy(hindrance.message, hindrance.nextStep);
  const pod = podWithoutNode(hindrance);
  return pod === undefined
    ? end(next, stuck)
    : [
        { ...next, stuck },
        { kind: "check-room", podUid: pod.uid },
      ];
}

/** @param news the message, and a code that stays the same while only details of the message change. */
function poll(
  waiting: Waiting,
  news: { readonly code: string; readonly message: string } | undefined,
  aborted: boolean,
): Next {
  if (aborted)
    return endRolling(waiting, "still-rolling", "interrupted", "the run was interrupted");
  if (news === undefined) return [waiting, { kind: "poll", report: undefined }];
  const [stall, isNew] = noteReport(waiting.stall, news.code);
  return [
    { ...waiting, stall },
    { kind: "poll", report: isNew ? news.message : undefined },
  ];
}

function endRolling(
  waiting: Waiting,
  outcome: "timed-out" | "still-rolling",
  code: string,
  why: string,
): Next {
  const nextStep = rolloutCommand("status", waiting.ref);
  return end(waiting, ended(outcome, code, `${why}, still rolling`, nextStep));
}

function end(waiting: Waiting, ending: Ending): Next {
  return [waiting, { kind: "end", ending }];
}
