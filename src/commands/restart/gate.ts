import type { Leave, StopReason } from "../../rollout/schedule.ts";

/** What a workload that has its turn asks of the run before it changes anything. */
export interface Gate {
  /** Set: the run was stopped, and nothing new starts. */
  stopped(): StopReason | undefined;
  /** May it be patched now? `held`: it had to wait since it got its turn. */
  leave(held: boolean): Leave;
  /** Fires where the report is wanted at once. */
  readonly abort: AbortSignal;
}
