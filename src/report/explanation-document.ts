import { exitCodeOf } from "../exit-codes.ts";
import type { Assessment } from "../mesh/assessment.ts";
import type { Finding } from "../mesh/findings.ts";
import { type InPlace, inPlaceCommand } from "../mesh/in-place.ts";
import { moveFlags } from "../mesh/revision-move.ts";
import { predictNewPod } from "../mesh/prediction.ts";
import { traceDecision } from "../mesh/trace.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { istioUpgrade, type NextStep, sentence } from "../next-step.ts";
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
    ...(assessment?.inPlace && { inPlace: inPlaceEntry(assessment.inPlace, workload, formatStep) }),
    ...(entry === null
      ? outsideMesh(workload, namespaces, mesh, formatStep)
      : verdictConclusion(entry, formatStep)),
    exitCode: exitCodeOf(reasons),
    exitReasons: reasons.map(({ text }) => text),
  };
}

function inPlaceEntry(
  inPlace: InPlace,
  workload: Workload,
  formatStep: StepFormatter,
): NonNullable<Explanation["inPlace"]> {
  if (inPlace.kind === "impossible") {
    const { code, reason, nextStep } = inPlace.finding;
    return { possible: false, code, reason, nextStep: formatStep(nextStep) };
  }
  const command = inPlaceCommand(workload, { downtime: false, pull: false });
  const reason = "only the image of its native sidecar differs, and its nodes have the new one";
  return { possible: true, code: "in-place-possible", reason, nextStep: formatStep(command) };
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
    nextStep: formatStep(why === undefined ? "" : stepIntoMesh(why)),
  };
}

/** The workload may be outside the mesh on purpose. */
function stepIntoMesh({ nextStep, choices = [] }: Finding): NextStep {
  if (choices.length === 0) return nextStep;
  return sentence`if it should be in the mesh${choices.length === 1 ? ":" : ","} ${nextStep}`;
}

function verdictConclusion(entry: WorkloadEntry, formatStep: StepFormatter): Conclusion {
  const { verdict, code, reason, nextStep, namespace, restart, running, target } = entry;
  const command = istioUpgrade(
    "restart",
    resourceName(entry),
    "--namespace",
    namespace,
    ...(verdict === "missing" ? ["--include", "missing"] : []),
    ...moveFlags(running, target),
  );
  return { verdict, code, reason, nextStep: restart === "yes" ? formatStep(command) : nextStep };
}
