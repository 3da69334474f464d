import type { Target } from "../mesh/running-pods.ts";
import { resourceName, rolloutCommand } from "../kubernetes/kinds.ts";
import { istioUpgrade, type NextStep } from "../next-step.ts";
import type { PodEvent, WorkloadRef } from "../snapshot.ts";
import type { Milestones } from "./milestones.ts";
import type { ReplacedPod } from "./replacement.ts";
import type { From, Step } from "./step.ts";

/** The facts about a workload that is not ready, or whose restart did not succeed. */
export interface Cause {
  /** The pod that is not ready, or does not end; `undefined` if there is none. */
  readonly pod: string | undefined;
  /** The container of the pod that is not ready. */
  readonly container: string | undefined;
  readonly node: string | undefined;
  /** The last warning about the pod that explains its present state. */
  readonly event: PodEvent | undefined;
  /** The PodDisruptionBudget that allows no eviction. */
  readonly budget: string | undefined;
  /** The number of old pods that are ready. */
  readonly oldPodsReady: number;
}

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
  /** Absent unless this run followed the rollout. */
  readonly milestones?: Milestones | undefined;
  readonly finishedAt: Date;
  /** Absent after a success, and if the pods were not read. */
  readonly cause?: Cause | undefined;
  /** The pods whose sidecars were replaced in place; absent for a restart. */
  readonly pods?: readonly ReplacedPod[];
}

export type Outcome =
  | "restarted"
  /** On target after its sidecars were replaced in place. */
  | "replaced"
  /** On target after a rollout that this run did not start. */
  | "waited"
  | "skipped"
  | "failed"
  | "timed-out"
  /** The run stopped following the rollout, or may not follow it: how it ends is unknown. */
  | "still-rolling"
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
  return outcome === "restarted" || outcome === "replaced" || outcome === "waited";
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
export type Ending = Pick<StepResult, "outcome" | "code" | "message" | "nextStep" | "cause">;

export function ended(
  outcome: Ending["outcome"],
  code: string,
  message: string,
  nextStep: NextStep = "",
): Ending {
  return { outcome, code, message, nextStep };
}
