import type { Change } from "../mesh/image.ts";
import type { Verdict } from "../mesh/assessment.ts";
import type { Outcome } from "../rollout/result.ts";
import type { ProgressEvent } from "./progress-event.ts";

/**
 * The published documents, as `--json` prints them: names that scripts rely on. More may be added,
 * none renamed; `schema/v1.json` is the same in JSON Schema.
 */
export const API_VERSION = "istio-upgrade/v1";

export interface DocumentHead {
  readonly apiVersion: typeof API_VERSION;
  readonly generatedAt: string;
  /** Of this program. */
  readonly version: string;
  readonly cluster: {
    readonly context: string;
    readonly server: string;
    readonly istioNamespace: string;
  };
}

interface ReportBase extends DocumentHead {
  readonly scope: ScopeEntry;
  /** Everything in scope was read, and every workload decided. */
  readonly complete: boolean;
  readonly gaps: readonly GapEntry[];
  /** What to know about the report as a whole. */
  readonly notes: readonly string[];
  readonly targets: readonly TargetEntry[];
  readonly workloads: readonly WorkloadEntry[];
  readonly summary: SummaryEntry;
  /** A command to type now; empty where nothing needs doing. */
  readonly nextStep: string;
  readonly exitCode: number;
  /** `outdated:9` */
  readonly exitReasons: readonly string[];
}

export interface CheckReport extends ReportBase {
  readonly kind: "CheckReport";
}

export interface VerifyReport extends ReportBase {
  readonly kind: "VerifyReport";
}

export interface RestartReport extends ReportBase {
  readonly kind: "RestartReport";
  /** As the API server knows the user; null where it does not tell. */
  readonly user: string | null;
  readonly reason: string | null;
  /** `client` or `server`; null for a real run. */
  readonly dryRun: string | null;
  /** Consent to restart what has no pod to spare. */
  readonly allowDowntime: boolean;
  /** Hash of the steps: `sha256:...`. */
  readonly plan: string;
  readonly steps: readonly StepEntry[];
  readonly results: readonly ResultEntry[];
}

export type Report = CheckReport | VerifyReport | RestartReport;

/** How the verdict about one workload comes about. */
export interface Explanation extends DocumentHead {
  readonly kind: "Explanation";
  readonly subject: {
    readonly namespace: string;
    readonly kind: string;
    readonly name: string;
    /** The pod that was asked for; null where its workload was. */
    readonly pod: string | null;
  };
  readonly complete: boolean;
  readonly gaps: readonly GapEntry[];
  readonly notes: readonly string[];
  /** What was looked at, in the order of the decision. */
  readonly steps: readonly TraceEntry[];
  /** As in a CheckReport; null for a workload outside the mesh. */
  readonly workload: WorkloadEntry | null;
  /** null for a workload outside the mesh. */
  readonly verdict: Verdict | null;
  readonly code: string;
  readonly reason: string;
  readonly nextStep: string;
  readonly exitCode: number;
  readonly exitReasons: readonly string[];
}

export interface TraceEntry {
  readonly step: "namespace" | "template" | "webhook" | "revision" | "target" | "pods" | "pod";
  /** `namespace/shop`, `configmap/istio-sidecar-injector-asm-1-27` */
  readonly subject: string;
  /** One word: `matched`, `not-matched`, `unread`, `injected`, ... */
  readonly result: string;
  readonly detail: string;
}

/** What is installed, what uses it, and what still holds it. */
export interface RevisionsReport extends DocumentHead {
  readonly kind: "RevisionsReport";
  /** The one that was asked for; null for all. */
  readonly revision: string | null;
  readonly assertUnused: boolean;
  readonly complete: boolean;
  readonly gaps: readonly GapEntry[];
  readonly revisions: readonly RevisionEntry[];
  /** Sidecars that do not say which revision injected them: they may hold any. */
  readonly unattributed: {
    readonly pods: number;
    readonly names: readonly string[];
    readonly tags: readonly string[];
  };
  readonly exitCode: number;
  readonly exitReasons: readonly string[];
}

export interface RevisionEntry {
  readonly revision: string;
  /** null where that could not be read. */
  readonly installed: boolean | null;
  /** null where it is not installed, or its Deployment could not be read. */
  readonly ready: boolean | null;
  /** null where it is not installed, or its ConfigMap cannot be used. */
  readonly image: string | null;
  readonly source: string | null;
  readonly tags: readonly string[];
  readonly namespaces: readonly NamespaceEntry[];
  readonly pods: {
    readonly sidecars: number;
    readonly gateways: number;
    readonly terminating: number;
    /** Of those, what AKS takes away together with the revision. */
    readonly managed: number;
  };
  /** Empty: nothing that was read holds it. */
  readonly holders: readonly HolderEntry[];
}

export interface NamespaceEntry {
  readonly name: string;
  /** `istio.io/rev=prod` */
  readonly label: string;
  /** The tag by which its label leads to the revision; null where it names the revision itself. */
  readonly tag: string | null;
}

export interface HolderEntry {
  readonly kind: "tags" | "namespaces" | "templates" | "gateways" | "pods" | "terminating-pods";
  readonly count: number;
  /** At most ten, sorted: for `pods` the workloads that they belong to. */
  readonly names: readonly string[];
  /** What to type, or to do, so that it no longer holds the revision. */
  readonly release: string;
}

/** One line of `--output jsonl` while a restart runs; the report is the last. */
export interface EventEntry {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "Event";
  readonly type: ProgressEvent["type"];
  readonly time: string;
  /** null, as the next two, for what is said of the run as a whole. */
  readonly namespace: string | null;
  readonly workloadKind: string | null;
  readonly name: string | null;
  readonly message: string;
}

/** Every document that `--json` prints. */
export type AnyDocument = Report | Explanation | RevisionsReport;

export interface ScopeEntry {
  /** null: all of them. */
  readonly namespaces: readonly string[] | null;
  readonly workloads: readonly string[];
  readonly selector: string | null;
  readonly revision: string | null;
  readonly exclude: readonly string[];
  readonly include: readonly string[];
}

export interface GapEntry {
  readonly what: string;
  readonly namespace: string | null;
  readonly reason: string;
  readonly message: string;
  readonly hint: string;
}

export interface TargetEntry {
  readonly revision: string;
  /** null where the ConfigMap cannot be used, or decides per pod. */
  readonly image: string | null;
  readonly source: string;
  readonly tags: readonly string[];
  /** null where the control plane's Deployment could not be read. */
  readonly ready: boolean | null;
}

export interface WorkloadEntry {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly verdict: Verdict;
  readonly code: string;
  readonly reason: string;
  readonly nextStep: string;
  readonly change: Change;
  readonly running: readonly RunningEntry[];
  readonly target: { readonly revision: string; readonly image: string } | null;
  readonly proof: "predicted" | "proved" | "first-pod";
  readonly restart: "yes" | "no" | "by-hand" | "refused";
  /** Why it is not restarted; empty where `restart` is `yes`, or nothing needs doing. */
  readonly restartReason: string;
  readonly warnings: readonly { readonly code: string; readonly message: string }[];
}

export interface RunningEntry {
  /** null: no sidecar. */
  readonly image: string | null;
  readonly revision: string | null;
  readonly pods: number;
  readonly ready: number;
  readonly native: boolean;
  readonly change: Change;
  /** At most ten, and only where the pods are not on target. */
  readonly podNames?: readonly string[];
}

export interface SummaryEntry {
  readonly workloads: number;
  readonly pods: number;
  readonly byVerdict: Readonly<Partial<Record<Verdict, number>>>;
}

interface PlaceEntry {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly from: readonly FromEntry[];
  readonly to: { readonly revision: string; readonly image: string };
}

export interface StepEntry extends PlaceEntry {
  readonly verdict: Verdict;
  /** Hash of the pod template that the plan was made for; null where it was not read. */
  readonly template: string | null;
}

export interface FromEntry {
  readonly image: string | null;
  readonly revision: string | null;
  readonly pods: number;
}

export interface ResultEntry extends PlaceEntry {
  readonly outcome: Outcome;
  readonly code: string;
  readonly message: string;
  readonly nextStep: string;
  readonly startedAt: string | null;
  readonly finishedAt: string;
}
