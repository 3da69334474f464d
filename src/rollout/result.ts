import type { Target } from "../mesh/running-pods.ts";
import { resourceName, rolloutCommand } from "../kubernetes/kinds.ts";
import { istioUpgrade, type NextStep } from "../next-step.ts";
import type { WorkloadRef } from "../snapshot.ts";
import type { From, Step } from "./step.ts";

/** The result of one step of a plan. */
export interface StepResult {
  readonly ref: WorkloadRef;
  readonly from: readonly From[];
  readonly to: Target;
  readonly outcome: Outcome;
  /** A stable code, such as `sidecar-lost`. */
  readonly code: string;
  readonly message: string;
  /** The next thing for the user to do; empty if nothing needs doing. */
  readonly nextStep: NextStep;
  /** The time of the patch; `undefined` if none was sent. */
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date;
}

export type Outcome =
  | "restarted"
  /** On target after a rollout that this run did not start. */
  | "waited"
  | "skipped"
  | "failed"
  | "timed-out"
  | "not-started";

/** Returns the result of a step for which no patch was sent. */
export function untouchedResult(
  { ref, from, to }: Pick<Step, "ref" | "from" | "to">,
  ending: Omit<Ending, "nextStep"> & { readonly nextStep?: NextStep },
  now: Date,
): StepResult {
  return { ref, from, to, nextStep: "", ...ending, startedAt: undefined, finishedAt: now };
}

/** True if the workload is on target. */
export function isDone(outcome: Outcome): boolean {
  return outcome === "restarted" || outcome === "waited";
}

/** True if the outcome counts for `--max-failures`. */
export function isFailure(outcome: Outcome): boolean {
  return outcome === "failed" || outcome === "timed-out";
}

/**
 * Returns the ending of a workload whose own loop ended with an unexpected error.
 *
 * @param mayBeRolling true if a restart may have been sent.
 */
export function endedUnexpectedly(
  ref: WorkloadRef,
  message: string,
  mayBeRolling: boolean,
): Ending {
  return mayBeRolling
    ? ended(
        "failed",
        "unexpected-error",
        `could not follow the rollout because of an unexpected error: ${message}`,
        rolloutCommand("status", ref),
      )
    : ended(
        "skipped",
        "unexpected-error",
        `left alone because of an unexpected error: ${message}`,
        istioUpgrade("explain", resourceName(ref), "--namespace", ref.namespace),
      );
}

/** The part of a step's result that says how the step ended. */
export type Ending = Pick<StepResult, "outcome" | "code" | "message" | "nextStep">;

export function ended(
  outcome: Ending["outcome"],
  code: string,
  message: string,
  nextStep: NextStep = "",
): Ending {
  return { outcome, code, message, nextStep };
}
