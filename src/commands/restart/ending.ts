import type { Target } from "../../mesh/assess.ts";
import type { Outcome } from "../../rollout/result.ts";
import type { Workload } from "../../snapshot.ts";

/** How a step ended: the part of its result that differs from one to the other. */
export interface Ending {
  readonly outcome: Outcome;
  /** Stable, as `sidecar-lost`. */
  readonly code: string;
  readonly message: string;
  /** What to type next; empty where nothing needs doing. */
  readonly nextStep: string;
}

export function ended(outcome: Outcome, code: string, message: string, nextStep = ""): Ending {
  return { outcome, code, message, nextStep };
}

/** A workload whose restart the API server has accepted. */
export interface Restarted {
  readonly workload: Workload;
  readonly target: Target;
  readonly restartedAt: Date;
}
