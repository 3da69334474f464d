import type { FailureCode } from "../errors.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { Verdict } from "../mesh/verdict.ts";
import type { Release } from "../mesh/pod-release.ts";
import type { Change } from "../mesh/image.ts";
import type { Outcome } from "../rollout/result.ts";
import type { DRY_RUNS, INCLUDES } from "../settings.ts";
import type { GapReason } from "../snapshot.ts";
import type { ProgressEvent } from "./progress-event.ts";

/**
 * The documents that `--json` prints. Scripts rely on every name here: names may be added, but none
 * may be renamed or removed within v1. The build generates `schema/v1.json` from these types; their
 * comments become its descriptions.
 */
export const API_VERSION = "istio-upgrade/v1";

export interface DocumentHead {
  readonly apiVersion: typeof API_VERSION;
  readonly generatedAt: Timestamp;
  /** The version of istio-upgrade. */
  readonly version: string;
  readonly cluster: {
    /** The kubeconfig context. */
    readonly context: string;
    /** The address of the API server. */
    readonly server: string;
    readonly istioNamespace: string;
  };
}

interface ReportBase extends DocumentHead {
  readonly scope: ScopeEntry;
  /** True if everything in scope was read, and every workload has a verdict other than unknown. */
  readonly complete: boolean;
  readonly gaps: readonly GapEntry[];
  /** Remarks about the report as a whole. */
  readonly notes: readonly string[];
  readonly targets: readonly TargetEntry[];
  readonly workloads: readonly WorkloadEntry[];
  readonly summary: SummaryEntry;
  /** The command to run next. Empty if there is nothing to do. */
  readonly nextStep: string;
  readonly exitCode: ExitCode;
  readonly exitReasons: ExitReasonTexts;
}

/** The result of `istio-upgrade check`. */
export interface CheckReport extends ReportBase {
  readonly kind: "CheckReport";
}

/** The result of `istio-upgrade verify`. */
export interface VerifyReport extends ReportBase {
  readonly kind: "VerifyReport";
}

/** The result of `istio-upgrade restart`, or its plan after a dry run. */
export interface RestartReport extends ReportBase {
  readonly kind: "RestartReport";
  /** The user name that the API server reports. Null if it reports none. */
  readonly user: string | null;
  /** The value of `--reason`. */
  readonly reason: string | null;
  /** Null for a real run. */
  readonly dryRun: (typeof DRY_RUNS)[number] | null;
  /** True if a restart may leave a workload without a serving pod. */
  readonly allowDowntime: boolean;
  /**
   * The hash of the plan.
   *
   * @pattern ^sha256:[0-9a-f]{64}$
   */
  readonly plan: string;
  /** The workloads to restart, in this order. */
  readonly steps: readonly StepEntry[];
  readonly results: readonly ResultEntry[];
}

export type Report = CheckReport | VerifyReport | RestartReport;

/** The result of `istio-upgrade explain`: the verdict about one workload, and how it is reached. */
export interface Explanation extends DocumentHead {
  readonly kind: "Explanation";
  readonly subject: {
    readonly namespace: string;
    readonly kind: string;
    readonly name: string;
    /** The name of the pod on the command line. Null if the command line names the workload. */
    readonly pod: string | null;
  };
  /** True if everything that the verdict depends on was read, and the verdict is not unknown. */
  readonly complete: boolean;
  readonly gaps: readonly GapEntry[];
  readonly notes: readonly string[];
  /** The facts that lead to the verdict, in the order of the decision. */
  readonly steps: readonly TraceEntry[];
  /** The entry that `check` reports. Null for a workload outside the mesh. */
  readonly workload: WorkloadEntry | null;
  /** Null for a workload outside the mesh. */
  readonly verdict: Verdict | null;
  readonly code: Code;
  readonly reason: string;
  readonly nextStep: string;
  readonly exitCode: ExitCode;
  readonly exitReasons: ExitReasonTexts;
}

export interface TraceEntry {
  readonly step: "namespace" | "template" | "webhook" | "revision" | "target" | "pods" | "pod";
  /** For example `namespace/shop` or `configmap/istio-sidecar-injector-asm-1-27`. */
  readonly subject: string;
  /** One word, for example `matched`, `not-matched`, `unread` or `injected`. */
  readonly result: string;
  readonly detail: string;
}

/** The result of `istio-upgrade revisions`: the revisions and everything that still uses them. */
export interface RevisionsReport extends DocumentHead {
  readonly kind: "RevisionsReport";
  /** The revision on the command line, or behind the tag on the command line. Null if the report is about all revisions. */
  readonly revision: string | null;
  readonly assertUnused: boolean;
  /** True if everything that may use a revision was read. */
  readonly complete: boolean;
  readonly gaps: readonly GapEntry[];
  readonly revisions: readonly RevisionEntry[];
  /**
   * Sidecars that do not name the revision that injected them, and tags whose revision is unknown.
   * They may use any revision.
   */
  readonly unattributed: {
    readonly pods: Count;
    readonly names: Names;
    readonly tags: readonly string[];
  };
  readonly exitCode: ExitCode;
  readonly exitReasons: ExitReasonTexts;
}

export interface RevisionEntry {
  readonly revision: string;
  /** Null if the installation could not be read, or the control plane is elsewhere. */
  readonly installed: boolean | null;
  /**
   * The place of the control plane, if a webhook leads to one that is not in the Istio namespace: its
   * namespace, or null for one outside the cluster.
   */
  readonly elsewhere: { readonly namespace: string | null } | null;
  /** Null if the revision is not installed, or its Deployment could not be read. */
  readonly ready: boolean | null;
  /** Null if the revision is not installed, or its ConfigMap cannot be used. */
  readonly image: string | null;
  /** The object that names the image. Null if there is none. */
  readonly source: string | null;
  readonly tags: readonly string[];
  readonly namespaces: readonly NamespaceEntry[];
  readonly pods: {
    readonly sidecars: Count;
    readonly gateways: Count;
    readonly terminating: Count;
    /** The pods among these that AKS removes together with the revision. */
    readonly managed: Count;
  };
  /** Mesh configuration that the newest revision lacks, and that pods lose when they move to it. */
  readonly warnings: readonly {
    readonly code: Code;
    readonly message: string;
    readonly nextStep: string;
  }[];
  /** The commands that remove the revision once nothing uses it. Empty if there are none. */
  readonly removal: readonly string[];
  /** Everything that still uses the revision. Empty if nothing that was read uses it. */
  readonly holders: readonly HolderEntry[];
}

export interface NamespaceEntry {
  readonly name: string;
  /** For example `istio.io/rev=prod`. */
  readonly label: string;
  /** The tag in the label. Null if the label names the revision itself. */
  readonly tag: string | null;
}

export interface HolderEntry {
  readonly kind: "tags" | "namespaces" | "templates" | "gateways" | "pods" | "terminating-pods";
  /** The way in which these stop using the revision. */
  readonly releasedBy: Release;
  /** @minimum 1 */
  readonly count: Count;
  /** Sorted. For `pods`, the workloads that own them; for terminating pods, at most ten of each workload. */
  readonly names: readonly string[];
  /** The command or action after which these no longer use the revision. */
  readonly release: string;
}

/** One line of `--output jsonl` while a command runs. The last line is the report. */
export interface EventEntry {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "Event";
  readonly type: ProgressEvent["type"];
  readonly time: Timestamp;
  /** The namespace of the workload. Null if the event is about the run as a whole. */
  readonly namespace: string | null;
  /** Null if the event is about the run as a whole. */
  readonly workloadKind: string | null;
  /** Null if the event is about the run as a whole. */
  readonly name: string | null;
  readonly message: string;
}

/** The document that `--output json` and `jsonl` print if a command could not run. */
export interface ErrorDocument {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "Error";
  readonly cluster: {
    /** The kubeconfig context. Null if it is unknown. */
    readonly context: string | null;
  };
  readonly code: FailureCode;
  readonly message: string;
  /** The command or action that would help. */
  readonly hint: string;
  readonly exitCode: ExitCode;
}

/** A document about a cluster that `--json` prints. */
export type AnyDocument = Report | Explanation | RevisionsReport;

/** A line that `--output jsonl` prints. */
export type JsonLine = AnyDocument | ErrorDocument | EventEntry;

export interface ScopeEntry {
  /** Null for all namespaces. */
  readonly namespaces: readonly string[] | null;
  /** The workloads on the command line. Empty for all. */
  readonly workloads: readonly string[];
  readonly selector: string | null;
  readonly revision: string | null;
  readonly exclude: readonly string[];
  readonly include: readonly (typeof INCLUDES)[number][];
}

/** Something in scope that could not be read. */
export interface GapEntry {
  /** For example `list pods`. */
  readonly what: string;
  /** Null for a request that covers the whole cluster. */
  readonly namespace: string | null;
  readonly reason: GapReason;
  readonly message: string;
  /** The command or action that would close the gap. */
  readonly hint: string;
}

/** An installed revision, and the proxy image that it injects. */
export interface TargetEntry {
  readonly revision: string;
  /** Null if the ConfigMap cannot be used, or its template chooses the image for each pod. */
  readonly image: string | null;
  /** The object that names the image. */
  readonly source: string;
  readonly tags: readonly string[];
  /** Null if the Deployment of the control plane could not be read. */
  readonly ready: boolean | null;
}

export interface WorkloadEntry {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly verdict: Verdict;
  readonly code: Code;
  readonly reason: string;
  readonly nextStep: string;
  readonly change: Change;
  /** The live pods, grouped by the sidecar that they run. */
  readonly running: readonly RunningEntry[];
  /** The number of pods that the workload asks for. Null if the workload sets no number. */
  readonly wanted: Count | null;
  /** The sidecar that new pods get. Null if they get none, or if this is unknown. */
  readonly target: { readonly revision: string; readonly image: string } | null;
  /**
   * The evidence for the target: predicted from the injection rules, proved by a dry run, or seen on
   * the first new pod of a restart.
   */
  readonly proof: "predicted" | "proved" | "first-pod";
  /** `yes` if `istio-upgrade restart` would restart the workload. */
  readonly restart: "yes" | "no" | "by-hand" | "refused";
  /** The reason against a restart. Empty if `restart` is `yes`, or if there is nothing to do. */
  readonly restartReason: string;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

export interface RunningEntry {
  /** Null if these pods have no sidecar. */
  readonly image: string | null;
  readonly revision: string | null;
  /** @minimum 1 */
  readonly pods: Count;
  readonly ready: Count;
  /** True if the sidecar is a native one: an init container that keeps running. */
  readonly native: boolean;
  readonly change: Change;
  /** Absent if the pods are on target. */
  readonly podNames?: Names;
}

export interface SummaryEntry {
  readonly workloads: Count;
  readonly pods: Count;
  /**
   * The number of workloads of each verdict. Verdicts without workloads are absent.
   *
   * @propertyNames {"$ref": "#/definitions/Verdict"}
   */
  readonly byVerdict: Readonly<Partial<Record<Verdict, Count>>>;
}

/** A workload, the sidecars of its pods, and the sidecar that a restart gives them. */
interface StepBase {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly from: readonly FromEntry[];
  readonly to: { readonly revision: string; readonly image: string };
  /** The largest change that the restart brings to a pod of the workload. */
  readonly change: Change;
}

export interface StepEntry extends StepBase {
  readonly verdict: Verdict;
  /**
   * The hash of the pod template that the plan is for: `sha256:...`. Null if the template was not
   * read.
   */
  readonly template: string | null;
}

export interface FromEntry {
  /** Null if these pods have no sidecar. */
  readonly image: string | null;
  readonly revision: string | null;
  readonly pods: Count;
}

export interface ResultEntry extends StepBase {
  readonly outcome: Outcome;
  readonly code: Code;
  readonly message: string;
  readonly nextStep: string;
  /** The time of the restart. Null if there was none. */
  readonly startedAt: Timestamp | null;
  readonly finishedAt: Timestamp;
}

/** @format date-time */
type Timestamp = string;

/**
 * @asType integer
 * @minimum 0
 */
type Count = number;

/**
 * A stable name for the rule that decided.
 *
 * @pattern ^[a-z]+(-[a-z]+)*$
 */
type Code = string;

/**
 * At most ten names.
 *
 * @maxItems 10
 */
type Names = readonly string[];

/** Everything that keeps the exit code from being 0, for example `outdated:9`. */
type ExitReasonTexts = readonly string[];
