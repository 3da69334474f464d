import type { MadeChange } from "./changes.ts";
import type { CreatedWorkload } from "./created-workload.ts";
import type { NextPod, ObservedWorkload } from "./observed-workload.ts";
import type { SentRestart } from "./recording-proxy.ts";
import type { RunPlan, World } from "./world.ts";

/** Everything that was seen while the runs of a world restarted its workloads, as plain data. */
export interface Evidence {
  readonly world: World;
  readonly workloads: readonly CreatedWorkload[];
  readonly changes: readonly MadeChange[];
  readonly runs: readonly RunEvidence[];
}

/** All times are in milliseconds since the epoch. */
export interface RunEvidence {
  readonly plan: RunPlan;
  readonly begun: number;
  readonly ended: number;
  /** The exit code; null if a signal ended the process. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The content of the report file; `undefined` if there is none. */
  readonly file: string | undefined;
  /** The time of the last signal that asked for the report at once. */
  readonly hurried: number | undefined;
  readonly restarts: readonly ObservedRestart[];
  /** The number of requests and answers that were lost. */
  readonly lost: number;
  /** The uids of the workloads that had a sidecar when the run first read pods; empty if it read none. */
  readonly injected: readonly string[];
  /** The workloads just after the end of the run. */
  readonly after: readonly ObservedWorkload[];
}

/** A restart, with the workload as it was when the restart arrived. */
export interface ObservedRestart extends SentRestart {
  /** Absent if the workload no longer existed, or had another version than the restart. */
  readonly next: NextPod | undefined;
  /** The revisions of the pods; `undefined` for a pod without a sidecar. */
  readonly revisions: readonly (string | undefined)[];
}
