/**
 * Outdated workloads, the runs that restart them, and the changes that others make in the meantime.
 * The choices come from a seed. An absent optional field has its usual value.
 */
export interface World {
  readonly namespaces: readonly TestNamespace[];
  /** One run or two. */
  readonly runs: readonly RunPlan[];
  readonly changes: readonly Change[];
}

export const REVISIONS = ["asm-1-95", "asm-1-96"] as const;
export type RevisionName = (typeof REVISIONS)[number];

/** A tag, which leads to the first revision when the runs begin. */
export const TAG = "chaos";

export interface TestNamespace {
  /** The value of the label `istio.io/rev`. */
  readonly label: RevisionName | typeof TAG;
  readonly workloads: readonly Workload[];
}

export const KINDS = ["Deployment", "StatefulSet", "DaemonSet", "Rollout"] as const;
export type Kind = (typeof KINDS)[number];

export interface Workload {
  readonly kind: Kind;
  readonly replicas: number;
  /** The seconds until a new pod is ready. */
  readonly readyAfter?: number;
  /** The seconds for which a deleted pod is terminating. */
  readonly drain?: number;
  /** The strategy of a Deployment, or the pod management policy of a StatefulSet. */
  readonly strategy?: "Recreate" | "NoSurge" | "Parallel";
  /** The reason why the pods of a restart never get ready. */
  readonly failRestarted?: "CrashLoopBackOff" | "ErrImagePull" | "Stumble";
}

/** One run of `istio-upgrade restart`. */
export interface RunPlan {
  /** The milliseconds from the start, or from the end of the run before. */
  readonly delay: number;
  /** True if the run begins after the end of the run before. */
  readonly afterFirst?: true;
  /** True if the run selects workloads by their label `wave=one`. */
  readonly bySelector?: true;
  readonly maxParallel: number;
  readonly allowDowntime?: true;
  /** The revision to which pods may move. */
  readonly allowRevision?: RevisionName;
  readonly signal?: {
    readonly name: "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGKILL";
    /** The milliseconds from the start of the run. */
    readonly at: number;
    /** The milliseconds until the same signal comes again. */
    readonly again?: number;
  };
  /** The fate of each restart that the run sends; later ones arrive. */
  readonly restarts: readonly Fate[];
  /** The answer to one in this many reads is lost. */
  readonly lostRead?: number;
}

/** `unsent`: the request is lost. `unanswered`: the request arrives, and its answer is lost. */
export type Fate = "arrives" | "unsent" | "unanswered";

/** A change by somebody else during the runs. */
export interface Change {
  /** The milliseconds from the start. */
  readonly at: number;
  readonly kind: ChangeKind;
  /** The number of the workload, modulo the number of workloads. */
  readonly workload: number;
  /** A number that the kind of change interprets. */
  readonly value: number;
}

/** Changes to a workload after which a run can still succeed. */
export const HARMLESS_CHANGES = [
  "scale",
  "resume",
  "deploy",
  "repair",
  "recreate",
  "relabel",
  "undo",
  "restart",
  "kill-pods",
  "opt-in",
] as const;

/** Changes to a workload after which it may not get ready, or has no sidecar. */
export const HARMFUL_CHANGES = ["pause", "break", "delete", "opt-out", "on-delete"] as const;

/** Changes to namespaces and to the control plane. */
export const WIDE_CHANGES = ["move-image", "move-tag", "move-namespace", "leave-mesh"] as const;

export type ChangeKind =
  | (typeof HARMLESS_CHANGES)[number]
  | (typeof HARMFUL_CHANGES)[number]
  | (typeof WIDE_CHANGES)[number];
