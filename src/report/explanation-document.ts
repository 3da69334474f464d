import { exitCodeOf } from "../exit-codes.ts";
import type { Assessment } from "../mesh/assessment.ts";
import { predictNewPod } from "../mesh/prediction.ts";
import { traceDecision } from "../mesh/trace.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { istioUpgrade } from "../next-step.ts";
import type { NamedPod, Snapshot, Workload } from "../snapshot.ts";
import type { DocumentHead, Explanation, WorkloadEntry } from "./document.ts";
import { gapEntry, workloadEntry } from "./entries.ts";
import { verdictReasons } from "./exit-reasons.ts";
import type { StepFormatter } from "./next-step-text.ts";

export interface ExplanationInput {
  readonly snapshot: Pick<Snapshot, "namespaces" | "gaps">;
  readonly mesh: Mesh;
  readonly workload: Workload;
  /** `undefined` for a workload outside the mesh. */
  readonly assessment: Assessment | undefined;
  readonly pod: NamedPod | undefined;
  readonly notes: readonly string[];
}

/** Builds the document. Its exit code is that of a check of this workload alone. */
export function explanationDocument(
  { apiVersion, ...head }: DocumentHead,
  { snapshot, mesh, workload, assessment, pod, notes }: ExplanationInput,
  formatStep: StepFormatter,
): Explanation {
  const { namespaces, gaps } = snapshot;
  const namespace = namespaces.get(workload.namespace);
  const entry = assessment === undefined ? null : workloadEntry(assessment, formatStep);
  const reasons = verdictReasons(entry === null ? [] : [entry], gaps.length, false);
  const steps = traceDecision({ workload, namespace, mesh, assessment, pod });
  return {
    apiVersion,
    kind: "Explanation",
    ...head,
    subject: {
      namespace: workload.namespace,
      kind: workload.kind,
      name: workload.name,
      pod: pod?.name ?? null,
    },
    complete: gaps.length === 0 && entry?.verdict !== "unknown",
    gaps: gaps.map((gap) => gapEntry(gap, formatStep)),
    notes,
    steps: steps.map(({ step, subject, result, detail }) => ({ step, subject, result, detail })),
    workload: entry,
    ...(entry === null
      ? outsideMesh(workload, namespaces, mesh, formatStep)
      : verdictConclusion(entry, formatStep)),
    exitCode: exitCodeOf(reasons),
    exitReasons: reasons.map(({ text }) => text),
  };
}

type Conclusion = Pick<Explanation, "verdict" | "code" | "reason" | "nextStep">;

/** Explains why the workload is outside the mesh: its new pods would get no sidecar, either. */
function outsideMesh(
  workload: Workload,
  namespaces: Snapshot["namespaces"],
  mesh: Mesh,
  formatStep: StepFormatter,
): Conclusion {
  const prediction = predictNewPod(workload, namespaces.get(workload.namespace), mesh);
  const why = prediction.kind === "none" ? prediction.finding : undefined;
  return {
    verdict: null,
    code: why?.code ?? "not-injected",
    reason: `no sidecar now, and none after a restart: ${why?.reason ?? "nothing injects it"}`,
    nextStep: formatStep(why?.nextStep ?? ""),
  };
}

function verdictConclusion(entry: WorkloadEntry, formatStep: StepFormatter): Conclusion {
  const { verdict, code, reason, nextStep, namespace, restart } = entry;
  const command = istioUpgrade(
    "restart",
    resourceName(entry),
    "--namespace",
    namespace,
    ...(verdict === "missing" ? ["--include", "missing"] : []),
  );
  return { verdict, code, reason, nextStep: restart === "yes" ? formatStep(command) : nextStep };
}
