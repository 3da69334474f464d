import type { StepResult } from "./result.ts";
import type { StopReason } from "./schedule.ts";

/** What is said of a workload that nothing was done with, since the run was stopped before. */
export const WHY_STOPPED: Readonly<
  Record<StopReason, Pick<StepResult, "outcome" | "code" | "message">>
> = {
  failures: {
    outcome: "not-started",
    code: "max-failures",
    message: "nothing more starts after so many failures (--max-failures)",
  },
  "run-stopped": {
    outcome: "not-started",
    code: "run-stopped",
    message: "the run was stopped: the next one might have fared the same",
  },
  "target-moved": {
    outcome: "skipped",
    code: "target-moved",
    message: "the target is not the approved one any more",
  },
  deadline: {
    outcome: "not-started",
    code: "deadline",
    message: "nothing starts after the deadline (--deadline)",
  },
  interrupted: {
    outcome: "not-started",
    code: "interrupted",
    message: "the run was interrupted",
  },
};
