import type { StepResult } from "./result.ts";

/** How a step ended: the part of its result that differs from one to the other. */
export type Ending = Pick<StepResult, "outcome" | "code" | "message" | "nextStep">;

export function ended(
  outcome: Ending["outcome"],
  code: string,
  message: string,
  nextStep = "",
): Ending {
  return { outcome, code, message, nextStep };
}
