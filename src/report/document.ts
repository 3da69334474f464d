import type { Change } from "../mesh/image.ts";
import type { Verdict } from "../mesh/assess.ts";
import type { Outcome } from "../rollout/result.ts";

/**
 * The published documents, as `--json` prints them: names that scripts rely on. More may be added,
 * none renamed; `schema/v1.json` is the same in JSON Schema.
 */
export const API_VERSION = "istio-upgrade/v1";

interface ReportBase {
  readonly apiVersion: typeof API_VERSION;
  readonly generatedAt: string;
  /** Of this program. */
  readonly version: string;
  readonly cluster: {
    readonly context: string;
    readonly server: string;
    readonly istioNamespace: string;
  };
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
  /** Hash of the steps: `sha256:...`. */
  readonly plan: string;
  readonly steps: readonly StepEntry[];
  readonly results: readonly ResultEntry[];
}

export type Report = CheckReport | VerifyReport | RestartReport;

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

export interface StepEntry {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly from: readonly FromEntry[];
  readonly to: { readonly revision: string; readonly image: string };
}

export interface FromEntry {
  readonly image: string | null;
  readonly revision: string | null;
  readonly pods: number;
}

export interface ResultEntry extends StepEntry {
  readonly outcome: Outcome;
  readonly code: string;
  readonly message: string;
  readonly nextStep: string;
  readonly startedAt: string | null;
  readonly finishedAt: string;
}
