import type { NextStep } from "../next-step.ts";

/** A line of the checklist. */
export interface UpgradeStep {
  /** A stable name, such as `control-plane`. */
  readonly id: string;
  readonly isDone: boolean;
  /** True if nothing waits for it: the user decides. */
  readonly isAdvice?: boolean;
  readonly message: string;
  readonly nextStep: NextStep;
}
