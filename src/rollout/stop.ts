import { type Ending, ended } from "./result.ts";
import type { StopReason } from "./schedule.ts";

/** The ending of a workload that was left alone because the run was stopped before its turn. */
export const WHY_STOPPED: Readonly<Record<StopReason, Ending>> = {
  failures: ended(
    "not-started",
    "max-failures",
    "nothing more starts after so many failures (--max-failures)",
  ),
  "run-stopped": ended(
    "not-started",
    "run-stopped",
    "the run was stopped: the next one might have fared the same",
  ),
  "target-moved": ended("skipped", "target-moved", "the target is not the approved one any more"),
  deadline: ended("not-started", "deadline", "nothing starts after the deadline (--deadline)"),
  interrupted: ended("not-started", "interrupted", "the run was interrupted"),
};
