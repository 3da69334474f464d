import type { FailureCode } from "../errors.ts";
import type { ExitCode } from "../exit-codes.ts";
import type { FleetCommand } from "../fleet.ts";
import type { DriftKind } from "../mesh/drift.ts";
import type { Verdict } from "../mesh/verdict.ts";
import type { Release } from "../mesh/pod-release.ts";
import type { Change } from "../mesh/image.ts";
import type { MoveOutcome } from "../rollout/moved-namespace.ts";
import type { Phase } from "../mesh/upgrade-phase.ts";
import type { Outcome } from "../rollout/result.ts";
import type { DRY_RUNS, INCLUDES } from "../settings.ts";
import type { GapReason } from "../snapshot.ts";
import type { RunEvent } from "./progress-event.ts";

/**
 * The documents that `--json` prints. Scripts rely on every name here: names may be added, but none
 * may be renamed or removed within v1. The build generates `schema/v1.json` from these types; their
 * comments become its descriptions.
 */
export const API_VERSION = "istio-upgrade/v1";

/** The fields that `--group-by` and `--label-columns` add to a document. */
interface GroupedDocument {
  /** The value of `--group-by`, such as `namespace-label=team`. Absent without it. */
  readonly groupBy?: string;
  /** The counts of each group, sorted by name. Absent without `--group-by`. */
  readonly groups?: readonly GroupEntry[];
  /** The keys of `--label-columns`. Absent without it. */
  readonly labelColumns?: readonly string[];
}

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

interface ReportBase extends DocumentHead, GroupedDocument {
  readonly scope: ScopeEntry;
  /** The value of `--max-age`. Absent if there is none. */
  readonly maxAge?: Duration;
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
  /** The comparison with the report of `--since`. Absent without it. */
  readonly since?: SinceEntry;
}

/**
 * The differences from an earlier report. Only what is new counts for the exit code; gaps and `unknown`
 * always count.
 */
export interface SinceEntry {
  /** The time of the earlier report. */
  readonly generatedAt: Timestamp;
  /** The workloads that have a verdict with something to do, which they did not have. */
  readonly new: readonly NewFindingEntry[];
  /** The workloads that no longer have such a verdict. */
  readonly gone: readonly GoneFindingEntry[];
}

export interface FindingEntry {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly verdict: Verdict;
}

export interface NewFindingEntry extends FindingEntry {
  /** The verdict in the earlier report. Null if the workload was not in it. */
  readonly before: Verdict | null;
}

export interface GoneFindingEntry extends FindingEntry {
  /** The verdict now. Null if the workload is no longer in scope, or has no sidecar any more. */
  readonly now: Verdict | null;
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
  /** The revisions of `--allow-revision`. */
  readonly allowRevisions: readonly string[];
  /**
   * The hash of the plan.
   *
   * @pattern ^sha256:[0-9a-f]{64}$
   */
  readonly plan: string;
  /** The workloads to restart, in this order. */
  readonly steps: readonly StepEntry[];
  readonly results: readonly ResultEntry[];
  /** The values of `--waves`, `--soak` and `--gate`. Null if there is none of them. */
  readonly pace: PaceEntry | null;
  /** The parts of the plan, in order. Empty without `--waves`, `--soak` and `--gate`. */
  readonly waves: readonly WaveEntry[];
  /** Absent without `--in-place`: sidecars were replaced in running pods, and nothing was restarted. */
  readonly inPlace?: {
    /** True if missing images were pulled first (`--pull`). */
    readonly pull: boolean;
  };
  /** The lease of `--lease`. Absent without it, and if the run ended before it was wanted. */
  readonly lease?: LeaseEntry;
  /** The move that the restarts belong to. Absent for `restart`. */
  readonly move?: MoveEntry;
  /** The namespaces that are moved. Absent for `restart`. */
  readonly namespaces?: readonly MovedNamespaceEntry[];
}

/** The Lease that keeps two runs from restarting workloads at the same time. */
export interface LeaseEntry {
  readonly namespace: string;
  readonly name: string;
  /** The run that held the lease when it was last seen. Empty if none did, or if it is unknown. */
  readonly holder: string;
  /**
   * `taken`: this run held it until its end. `refused`: another run held it, so that nothing was started.
   * `lost`: this run lost it, and started nothing more.
   */
  readonly outcome: "taken" | "refused" | "lost";
}

/** The flags about waves. */
export interface PaceEntry {
  /** The value of `--waves`, such as `1,10%,50%`. Empty if there is one wave. */
  readonly waves: string;
  /** Null if there is no soak. */
  readonly soak: Duration | null;
  /** The file of the gate, as on the command line. Null if there is none. */
  readonly gate: string | null;
  /** The longest time that the gate may take. */
  readonly gateTimeout: Duration;
}

/** A part of a plan. The next one starts once its soak and its gate have passed. */
export interface WaveEntry {
  /** @minimum 1 */
  readonly number: Count;
  /** All its workloads, with those that were on target before. */
  readonly workloads: readonly WaveWorkloadEntry[];
  /** The time of its first restart. Null if there was none. */
  readonly startedAt: Timestamp | null;
  /** The time at which its last rollout ended. Null if one has not ended. */
  readonly finishedAt: Timestamp | null;
  /** Null if there was none. */
  readonly soak: SoakEntry | null;
  /** Null if it was not asked. */
  readonly gate: GateEntry | null;
}

export interface WaveWorkloadEntry {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  /**
   * The outcome of its result; `current` if it was on target before; `planned` if its restart has not
   * ended.
   */
  readonly outcome: Outcome | "current" | "planned";
}

export interface SoakEntry {
  /** `stopped`: the run was stopped before the end of the soak. */
  readonly result: "passed" | "failed" | "unread" | "stopped";
  readonly message: string;
  readonly nextStep: string;
  /** The workload whose pod did not stay healthy. Null if there is none. */
  readonly workload: {
    readonly namespace: string;
    readonly kind: string;
    readonly name: string;
  } | null;
  readonly pod: string | null;
  /** Null if the problem is not about one container. */
  readonly container: string | null;
  /** The warning that explains the problem. Null if there is none. */
  readonly event: EventDetails | null;
  readonly startedAt: Timestamp;
  readonly finishedAt: Timestamp;
}

export interface GateEntry {
  /** The file, as on the command line. */
  readonly command: string;
  /** `unanswered`: it could not be run, was ended by a signal, or took too long. */
  readonly result: "passed" | "refused" | "unanswered" | "stopped";
  /** Null if it did not exit. */
  readonly exitCode: Count | null;
  readonly message: string;
  /** The last 4 KiB of stdout and stderr, in the order in which they came. */
  readonly output: string;
  /** The number of bytes before `output` that are left out. */
  readonly omittedBytes: Count;
  readonly startedAt: Timestamp;
  readonly finishedAt: Timestamp;
}

/** The document on the standard input of a gate. */
export interface WaveDocument extends DocumentHead {
  readonly kind: "Wave";
  /** @minimum 1 */
  readonly number: Count;
  /**
   * The number of waves.
   *
   * @minimum 1
   */
  readonly of: Count;
  readonly workloads: readonly GatedWorkload[];
  /** The time of its first restart. Null if an earlier run made all of them. */
  readonly startedAt: Timestamp | null;
  /** The time at which its last rollout ended. Null if an earlier run waited for it. */
  readonly finishedAt: Timestamp | null;
  /** Null if there was none. */
  readonly soak: SoakEntry | null;
}

interface GatedWorkload extends WaveWorkloadEntry {
  /** The sidecars before the run. */
  readonly from: readonly FromEntry[];
  readonly to: { readonly revision: string; readonly image: string };
}

/** The move of namespaces to another revision. */
export interface MoveEntry {
  /** The value of `--to`: the name of a revision or of a tag. */
  readonly to: string;
  /** The revision that it leads to. */
  readonly revision: string;
  /** `back`: the revision is older than those that the namespaces leave. */
  readonly direction: "forward" | "back";
  /** The command that takes everything back. Empty if nothing was changed. */
  readonly wayBack: string;
}

export interface MovedNamespaceEntry extends Pick<LabelFields, "labels"> {
  readonly name: string;
  /** The former value of the label `istio.io/rev`. Null if there was none. */
  readonly from: string | null;
  /** The former value of the label `istio-injection`. Null if there was none. */
  readonly injection: string | null;
  /** The new value of the label `istio.io/rev`. */
  readonly to: string;
  readonly outcome: MoveOutcome;
  /** The stable code of the message. Empty if there is none. */
  readonly code: string;
  readonly message: string;
  readonly nextStep: string;
  /** The time of the label. Null if this run did not set it. */
  readonly labelledAt: Timestamp | null;
  /** The number of live pods with a sidecar, by the revision of their sidecar. */
  readonly pods: Readonly<Record<string, Count>>;
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
  /**
   * True in `possible` if `restart --in-place` would replace its sidecars. Absent unless a sidecar is
   * outdated.
   */
  readonly inPlace?: {
    readonly possible: boolean;
    readonly code: Code;
    readonly reason: string;
    /** The command that replaces them, or what else helps. */
    readonly nextStep: string;
  };
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

/** The result of `istio-upgrade status`: the state of an upgrade, and what is next. */
export interface StatusReport extends DocumentHead, GroupedDocument {
  readonly kind: "StatusReport";
  /** Null if it depends on something that could not be read. */
  readonly phase: Phase | null;
  /** The revision that the upgrade leaves. Null if it leaves none, or if only the user can tell. */
  readonly from: string | null;
  /** The revision of `--to`; of a tag, the revision behind it. Null without `--to`. */
  readonly to: string | null;
  /** True if everything was read, and every workload has a verdict other than unknown. */
  readonly complete: boolean;
  readonly gaps: readonly GapEntry[];
  readonly notes: readonly string[];
  /** The installed revisions. */
  readonly targets: readonly TargetEntry[];
  /** The checklist, in the order in which the user goes through it. */
  readonly steps: readonly StatusStepEntry[];
  readonly namespaces: readonly StatusNamespaceEntry[];
  readonly summary: SummaryEntry;
  /** The one thing to do next. Empty if nothing is left, or if only the user can tell the direction. */
  readonly nextStep: string;
  readonly exitCode: ExitCode;
  readonly exitReasons: ExitReasonTexts;
}

export interface StatusStepEntry {
  readonly id: Code;
  /** `current`: the next step of the report belongs to it. */
  readonly state: "done" | "current" | "open";
  readonly message: string;
  /** Empty if there is nothing to type. */
  readonly nextStep: string;
}

export interface StatusNamespaceEntry {
  readonly name: string;
  /**
   * The labels `istio.io/rev` and `istio-injection`, and those of `--label-columns`, if the namespace has
   * them.
   */
  readonly labels: Readonly<Record<string, string>>;
  /** The revision that these labels give new pods. Null if they give none, or several. */
  readonly leadsTo: string | null;
  /** The tag in the label. Null if it names none. */
  readonly tag: string | null;
  /** The number of live pods with a sidecar, by revision. */
  readonly pods: Readonly<Record<string, Count>>;
  /** The numbers of workloads. Those by hand are included in no other number, or in `outdated`. */
  readonly outdated: Count;
  readonly byHand: Count;
  readonly wouldLose: Count;
  readonly blocked: Count;
  /** The next step of this namespace. Empty if it has none. */
  readonly nextStep: string;
}

/** One line of `--output jsonl` while a command runs. The last line is the report. */
export interface EventEntry {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "Event";
  readonly type: RunEvent["type"];
  readonly time: Timestamp;
  /** The namespace, or that of the workload. Null if the event is about the run as a whole. */
  readonly namespace: string | null;
  /** Null if the event is about the run as a whole. */
  readonly workloadKind: string | null;
  /** Null if the event is about the run as a whole. */
  readonly name: string | null;
  readonly message: string;
  /** The context of the cluster. Absent unless the command reports on several clusters. */
  readonly cluster?: string;
  /** The code of the result, or the reason why nothing new starts. Null for other events. */
  readonly code: Code | null;
  /**
   * The number of new pods that are ready, or of workloads that `verify` has nothing against. Null if
   * the event is about neither.
   */
  readonly ready: Count | null;
  /** The number of new pods that should be ready, or of all workloads. */
  readonly wanted: Count | null;
  /** The sidecars before the restart. Null if the event is not about a restart or its result. */
  readonly from: readonly FromEntry[] | null;
  readonly to: { readonly revision: string; readonly image: string } | null;
  /** The number of the wave. Absent if the event is not about a wave. */
  readonly wave?: Count;
  /** The number of waves. Absent if the event is not about a wave. */
  readonly waves?: Count;
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

/**
 * The result of `check`, `verify`, `status` or `revisions` about several clusters: the report of each,
 * or its error.
 */
export interface FleetReport {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "FleetReport";
  readonly generatedAt: Timestamp;
  /** The version of istio-upgrade. */
  readonly version: string;
  readonly command: FleetCommand;
  /** True if every cluster was read, and each report is complete. */
  readonly complete: boolean;
  /** Remarks about the contexts, for example that two lead to the same cluster. */
  readonly notes: readonly string[];
  readonly summary: FleetSummaryEntry;
  /**
   * One document for each context, in the order of the flags; the contexts that match one pattern are
   * sorted.
   */
  readonly clusters: readonly ClusterDocument[];
  /**
   * The first of the usual order over all clusters. A cluster without a report counts as 6; if no
   * cluster has one, the exit code is 1.
   */
  readonly exitCode: ExitCode;
  /** The reasons of all clusters, added up. */
  readonly exitReasons: ExitReasonTexts;
}

/** The report of one cluster of a fleet. */
export type ClusterReport = CheckReport | VerifyReport | StatusReport | RevisionsReport;

/** The report of one cluster of a fleet, or the error that left it without one. */
export type ClusterDocument = ClusterReport | ErrorDocument;

/** Sums over all clusters that have a report. */
export interface FleetSummaryEntry {
  readonly clusters: Count;
  /** The number of clusters without a report, for any reason but an interruption. */
  readonly unreachable: Count;
  /** The number of clusters that were not read because of a signal. */
  readonly interrupted: Count;
  /** Absent for `revisions`, whose reports have no workloads. */
  readonly sidecars?: SummaryEntry;
}

/** A fleet report whose clusters are decoded one at a time: all of them would be too large. */
export interface Fleet extends Omit<FleetReport, "clusters"> {
  readonly clusters: Iterable<ClusterDocument>;
}

/** A document about a cluster that `--json` prints. */
export type SingleDocument = Report | Explanation | RevisionsReport | StatusReport;

/** A document that a command prints. */
export type AnyDocument = SingleDocument | Fleet;

/** A line that `--output jsonl` prints, or the document on the standard input of a gate. */
export type JsonLine = SingleDocument | FleetReport | ErrorDocument | EventEntry | WaveDocument;

export interface ScopeEntry {
  /** Null for all namespaces. With `--namespace-selector`, those that it matched. */
  readonly namespaces: readonly string[] | null;
  /** The value of `--namespace-selector`. Null without it. */
  readonly namespaceSelector: string | null;
  /** The workloads on the command line. Empty for all. */
  readonly workloads: readonly string[];
  readonly selector: string | null;
  readonly revision: string | null;
  readonly exclude: readonly string[];
  readonly include: readonly (typeof INCLUDES)[number][];
}

/** Something in scope that could not be read, or the Events of a namespace that could not be written. */
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
  /**
   * The time of the last change of the values that name the image, by the API server's clock. Null if it
   * is unknown.
   */
  readonly since: Timestamp | null;
}

/** The time for which pods have been outdated, as an interval. */
export interface AgeEntry {
  /** Null if nothing says since when their sidecar is outdated. */
  readonly atLeast: Duration | null;
  /** The age of the oldest of these pods. Null if it is unknown. */
  readonly atMost: Duration | null;
}

/** The fields of a workload that `--group-by` and `--label-columns` add. */
export interface LabelFields {
  /**
   * The labels of `--label-columns`: of the workload, or of its namespace, or the annotation of its
   * namespace. A key that none of them has is absent. Absent without the flag.
   */
  readonly labels?: Readonly<Record<string, string>>;
  /** The name of its group. Null if it belongs to none. Absent without `--group-by`. */
  readonly group?: string | null;
}

export interface WorkloadEntry extends LabelFields {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly verdict: Verdict;
  readonly code: Code;
  readonly reason: string;
  readonly nextStep: string;
  readonly change: Change;
  /** Absent unless the verdict is `outdated`. */
  readonly outdatedFor?: AgeEntry;
  /** True if `--max-age` keeps the workload from the exit code. Otherwise, absent. */
  readonly withinMaxAge?: true;
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
  /** The stable code of `restartReason`, for example `revision-not-allowed`. Empty if there is none. */
  readonly restartCode: string;
  /**
   * The changes of a restart, by a comparison of live pods with dry runs. Null if they were not asked
   * for, or if the pods could not be compared. The report of a restart that was carried out has them in
   * its steps.
   */
  readonly drift: readonly DriftEntry[] | null;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
  /**
   * The pod that has been unready for the longest time, or one that is terminating and takes the place
   * of another. Absent if every pod is ready. Only `verify` reads events.
   */
  readonly unready?: UnreadyEntry;
}

/** One place in which a restart would change a pod. */
export interface DriftEntry {
  /** For example `spec.containers[app].resources.requests.cpu`. */
  readonly path: string;
  readonly what: DriftKind;
  /** The value now. Null if there is none, or if it is not one of Istio's own: it may be a secret. */
  readonly from: string | null;
  /** The value after a restart. Null likewise. */
  readonly to: string | null;
}

/** A pod that is not ready, and why. */
export interface UnreadyEntry {
  readonly pod: string;
  /** The container that is not ready, or that must complete first. Null if it is not one container. */
  readonly container: string | null;
  /** Null before the pod is scheduled. */
  readonly node: string | null;
  /** The last warning that explains it. Null if there is none. */
  readonly event: EventDetails | null;
  readonly message: string;
}

/** An event about a pod. */
export interface EventDetails {
  /** For example `FailedAttachVolume` or `Unhealthy`. */
  readonly reason: string;
  readonly message: string;
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
  /** Absent if the pods are on target, or if the verdict is not `outdated`. */
  readonly outdatedFor?: AgeEntry;
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
  /** The age of the workload that has been outdated for the longest time. Absent if none is outdated. */
  readonly oldest?: AgeEntry;
  /** The number of outdated workloads that `--max-age` keeps from the exit code. Absent without it. */
  readonly withinMaxAge?: Count;
}

/** The numbers of workloads in one group. */
export interface GroupEntry {
  /** Null for workloads without such a label or annotation, or without a sidecar that has a revision. */
  readonly name: string | null;
  readonly workloads: Count;
  readonly pods: Count;
  readonly outdated: Count;
  /** The number of those that need a restart which this tool does not do, or only with consent. */
  readonly byHand: Count;
  readonly wouldLose: Count;
  readonly blocked: Count;
  readonly missing: Count;
  readonly unknown: Count;
  readonly notReady: Count;
  readonly current: Count;
  /** The age of the workload that has been outdated for the longest time. Absent if none is outdated. */
  readonly oldest?: AgeEntry;
  /** The number of those that the plan restarts. Absent unless the report is about a restart. */
  readonly planned?: Count;
  /** The number of those that were restarted, or that the run waited for. Absent likewise. */
  readonly done?: Count;
}

/** A workload, the sidecars of its pods, and the sidecar that a restart gives them. */
interface StepBase extends LabelFields {
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
  /** The time of the last restart before the plan. Null if there was none. */
  readonly restartedAt: string | null;
  /** The changes of the restart. Absent if they were not asked for, or could not be found out. */
  readonly drift?: readonly DriftEntry[];
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
  /** The time at which the run first saw a new pod. Null if it saw none. */
  readonly firstPodAt: Timestamp | null;
  /** The time at which the run first saw all new pods ready. Null if it never did. */
  readonly readyAt: Timestamp | null;
  readonly finishedAt: Timestamp;
  /** The facts that explain the result. Null after a success, and if the pods were not read. */
  readonly cause: CauseEntry | null;
  /** The pods that were changed. Absent without `--in-place`, and if none was changed. */
  readonly pods?: readonly ReplacedPodEntry[];
}

/** A pod whose sidecar was replaced in place, and what proves it. */
export interface ReplacedPodEntry {
  readonly name: string;
  readonly uid: string;
  readonly node: string | null;
  /**
   * `replaced`: the new sidecar and the pod are ready. `taken-back`: the old sidecar is ready again.
   * `gone`: the pod was deleted meanwhile. `unfinished`: none of them, so that it may lack a sidecar.
   */
  readonly outcome: "replaced" | "taken-back" | "gone" | "unfinished";
  readonly before: SidecarEntry;
  /** The last container that was seen. Null if it was the same one, or if the pod is gone. */
  readonly after: SidecarEntry | null;
  /** True if a container of the application has restarted. */
  readonly applicationRestarted: boolean;
  readonly application: readonly ApplicationEntry[];
  /** The time of the patch. */
  readonly startedAt: Timestamp;
  readonly finishedAt: Timestamp;
}

/** One run of a sidecar. */
export interface SidecarEntry {
  readonly image: string;
  /** For example `containerd://2f9c...`. */
  readonly containerId: string;
  /** The image with its digest, as the kubelet reports it. */
  readonly imageId: string;
}

/** A container of the application. */
export interface ApplicationEntry {
  readonly container: string;
  readonly before: ContainerRunEntry;
  /** Null if the pod is gone. */
  readonly after: ContainerRunEntry | null;
}

export interface ContainerRunEntry {
  readonly restartCount: Count;
  /** Null if it does not run. */
  readonly startedAt: Timestamp | null;
}

/** The facts about a restart that did not succeed. */
export interface CauseEntry {
  /** The pod that is not ready, or that does not end. Null if there is none. */
  readonly pod: string | null;
  /** The container that is not ready, or that must complete first. Null if it is not one container. */
  readonly container: string | null;
  /** The node of the pod. Null before the pod is scheduled. */
  readonly node: string | null;
  /** The last warning that explains the state of the pod. Null if there is none. */
  readonly event: EventDetails | null;
  /** The PodDisruptionBudget that allows no eviction. Null if none matters. */
  readonly budget: string | null;
  /** The number of old pods that are ready. */
  readonly oldPodsReady: Count;
}

/** @format date-time */
type Timestamp = string;

/**
 * A duration in ISO 8601, with days of 24 hours, such as `P8DT4H` or `PT30S`.
 *
 * @pattern ^P(?!$)(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?$
 */
type Duration = string;

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
