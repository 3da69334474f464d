import type { Drift } from "../mesh/drift.ts";
import type { Target } from "../mesh/running-pods.ts";
import type { Verdict } from "../mesh/verdict.ts";
import type { WorkloadRef } from "../snapshot.ts";

/** One workload that a plan restarts, as it was when the plan was made. */
export interface Step {
  readonly ref: WorkloadRef;
  readonly verdict: Verdict;
  readonly from: readonly From[];
  readonly to: Target;
  /** True if any pod had a sidecar: losing it is a failure even if a later check reports none. */
  readonly hadSidecar: boolean;
  /** The number of new pods that a rollout may create at the same time. */
  readonly podsAtOnce: number;
  /** The hash of the pod template without the restart annotation; `undefined` if it was not read. */
  readonly template: string | undefined;
  /** The time of the last restart, in RFC 3339; `undefined` if there was none. */
  readonly restartedAt: string | undefined;
  /** The changes of the restart; absent if they were not asked for, or are unknown. */
  readonly drift?: readonly Drift[];
}

/** A workload that a plan only waits for: an earlier restart of it is still rolling out. */
export interface Wait extends Step {
  /** The time that the earlier restart wrote, in RFC 3339. */
  readonly restartedAt: string;
}

/** The sidecar of a group of pods before a restart. */
export interface From {
  /** `undefined`: no sidecar. */
  readonly image: string | undefined;
  readonly revision: string | undefined;
  readonly pods: number;
}
