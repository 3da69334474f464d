import { type Ending, ended } from "./result.ts";
import type { StopReason } from "./schedule.ts";

/** The ending of a workload that was left alone because the run was stopped before its turn. */
export const WHY_STOPPED: Readonly<Record<StopReason, Ending>> = {
  failures: ended(
    "not-started",
    "max-failures",
    "no new restarts after this many failures (--max-failures)",
  ),
  "run-stopped": ended(
    "not-started",
    "run-stopped",
    "the run was stopped: the next workload would probably fail the same way",
  ),
  "target-moved": ended("skipped", "target-moved", "the target is no longer the approved one"),
  deadline: ended("not-started", "deadline", "no new restarts after the deadline (--deadline)"),
  interrupted: ended("not-started", "interrupted", "the run was interrupted"),
};
