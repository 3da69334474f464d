import type { Target } from "../mesh/running-pods.ts";
import type { NextStep } from "../next-step.ts";
import type { WorkloadRef } from "../snapshot.ts";
import type { From, Step } from "./step.ts";

/** What became of one step of a plan. */
export interface StepResult {
  readonly ref: WorkloadRef;
  readonly from: readonly From[];
  readonly to: Target;
  readonly outcome: Outcome;
  /** Stable, as `sidecar-lost`. */
  readonly code: string;
  readonly message: string;
  /** What to type next; empty where nothing needs doing. */
  readonly nextStep: NextStep;
  /** When the patch was sent; absent where none was. */
  readonly startedAt: Date | undefined;
  readonly finishedAt: Date;
}

export type Outcome =
  | "restarted"
  /** It was rolling already, and came out on target. */
  | "waited"
  | "skipped"
  | "failed"
  | "timed-out"
  | "not-started";

/** The result of a step for which no patch was sent. */
export function untouched(
  { ref, from, to }: Pick<Step, "ref" | "from" | "to">,
  why: Pick<StepResult, "outcome" | "code" | "message"> & { readonly nextStep?: NextStep },
  now: Date,
): StepResult {
  return { ref, from, to, nextStep: "", ...why, startedAt: undefined, finishedAt: now };
}

/** Outcomes after which the workload is where it was to be. */
export function isDone(outcome: Outcome): boolean {
  return outcome === "restarted" || outcome === "waited";
}

/** Outcomes after which a run counts as failed. */
export function isFailure(outcome: Outcome): boolean {
  return outcome === "failed" || outcome === "timed-out";
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
