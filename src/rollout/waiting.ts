import { sentence } from "../next-step.ts";
import { formatDuration } from "../duration-text.ts";
import { rolloutCommand } from "../kubernetes/kinds.ts";
import { failureOf } from "../mesh/restartability.ts";
import type { Workload, WorkloadRef } from "../snapshot.ts";
import { type Ending, ended } from "./result.ts";
import { isStalled, noteCount, type Stall, startStall } from "./stall.ts";
import { isPaused, rolloutStatus } from "./status.ts";

/**
 * The state of waiting for a restart that was sent before this run: a state machine without clock,
 * cluster or promise.
 */
export interface Waiting {
  readonly ref: WorkloadRef;
  /** The time of that restart, in RFC 3339. */
  readonly restartedAt: string;
  /** Milliseconds that the rollout may go without progress. */
  readonly timeout: number;
  readonly stall: Stall<number>;
  /** The last message that was reported. */
  readonly reported: string | undefined;
}

/** The result of the last action; `aborted` is true if the user wants the report at once. */
export type WaitingObservation =
  /** It is this workload's turn to be read. Turns may be minutes apart if the server is slow. */
  | { readonly kind: "turn" }
  | {
      readonly kind: "answer";
      /** `undefined` if the workload was deleted or recreated. */
      readonly workload: Workload | undefined;
      readonly aborted: boolean;
    }
  | { readonly kind: "forbidden"; readonly message: string }
  | { readonly kind: "no-answer"; readonly aborted: boolean };

export type WaitingAction =
  | { readonly kind: "read" }
  /** Wait for the next turn. `report` is set if there is something new. */
  | { readonly kind: "poll"; readonly report: string | undefined }
  | { readonly kind: "end"; readonly ending: Ending };

/** @param now milliseconds since the epoch. */
export function startWaiting(
  ref: WorkloadRef,
  restartedAt: string,
  timeout: number,
  now: number,
): Waiting {
  return { ref, restartedAt, timeout, stall: startStall(now), reported: undefined };
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
  const { ref, timeout, stall } = waiting;
  switch (observation.kind) {
    case "turn":
      return isStalled(stall, timeout, now)
        ? endRolling(waiting, "no-progress", `no progress for ${formatDuration(timeout)}`)
        : [waiting, { kind: "read" }];
    case "answer":
      return afterAnswer(waiting, observation, now);
    case "no-answer":
      return poll(waiting, waiting.reported, observation.aborted);
    case "forbidden": {
      const message = `not allowed to read its status: ${observation.message}`;
      const nextStep = sentence`ask for the permission, then check: ${rolloutCommand("status", ref)}`;
      return end(waiting, ended("skipped", "not-read", message, nextStep));
    }
  }
}

function afterAnswer(
  waiting: Waiting,
  { workload, aborted }: WaitingObservation & { readonly kind: "answer" },
  now: number,
): Next {
  if (workload?.rollout === undefined) {
    return end(waiting, ended("skipped", "gone", "it was deleted or recreated"));
  }
  const { state, message, ready } = rolloutStatus(workload.rollout);
  const since = `restarted at ${waiting.restartedAt}`;
  if (isPaused(workload.rollout)) {
    const resume = rolloutCommand("resume", workload);
    return end(waiting, ended("timed-out", "paused", `${since}, and now paused`, resume));
  }
  const failure = failureOf(workload);
  if (failure !== undefined) {
    // The restart need not be the cause, so this is not called a failed restart.
    const status = rolloutCommand("status", workload);
    return end(waiting, ended("timed-out", "unhealthy", `${since}, but ${failure}`, status));
  }
  if (state === "done") return end(waiting, ended("waited", "rolled-out", `${since}, rolled out`));
  const stall = noteCount(waiting.stall, ready, now);
  return poll({ ...waiting, stall }, message, aborted);
}

function poll(waiting: Waiting, message: string | undefined, aborted: boolean): Next {
  if (aborted) return endRolling(waiting, "interrupted", "the run was interrupted");
  const report = message === waiting.reported ? undefined : message;
  return [
    { ...waiting, reported: message },
    { kind: "poll", report },
  ];
}

function endRolling(waiting: Waiting, code: string, why: string): Next {
  const nextStep = rolloutCommand("status", waiting.ref);
  return end(waiting, ended("timed-out", code, `${why}, still rolling`, nextStep));
}

function end(waiting: Waiting, ending: Ending): Next {
  return [waiting, { kind: "end", ending }];
}
