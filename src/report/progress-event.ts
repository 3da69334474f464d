import type { From } from "../rollout/step.ts";
import type { StepResult } from "../rollout/result.ts";
import type { WorkloadRef } from "../snapshot.ts";

/** Something that happens while a command runs, as data. */
export type ProgressEvent =
  | { readonly type: "reading"; readonly what: string }
  | { readonly type: "planned"; readonly steps: number; readonly message: string }
  | {
      readonly type: "started";
      readonly ref: WorkloadRef;
      readonly from: readonly From[];
      readonly image: string;
    }
  | {
      readonly type: "rolling";
      readonly ref: WorkloadRef;
      readonly message: string;
      readonly ready: number;
      readonly wanted: number;
    }
  | { readonly type: "waiting"; readonly ref: WorkloadRef; readonly message: string }
  | { readonly type: "ended"; readonly result: StepResult }
  /** A message about the run as a whole, for example why no further restart begins. */
  | { readonly type: "notice"; readonly message: string };

/** The receiver of a running command's events. */
export interface Progress {
  emit(event: ProgressEvent): void;
  /** Clears the live lines from the terminal. Call it before anything else is printed. */
  stop(): void;
}
