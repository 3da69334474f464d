import type { DryRun, Namespace, Workload } from "../snapshot.ts";
import { ambientDecision } from "./ambient.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import { injectorElsewhere, otherMeshStep } from "./elsewhere.ts";
import { type Finding, unknownOutcome } from "./findings.ts";
import { type Change, largestChange } from "./image.ts";
import { isRenderedGateway, managedFinding } from "./managed.ts";
import type { Mesh } from "./mesh.ts";
import { pinFinding } from "./pin.ts";
import { type Prediction, predictNewPod, predictRendered } from "./prediction.ts";
import { applyProof } from "./proof.ts";
import { gatewayFinding } from "./rendered-gateway.ts";
import type { Consent } from "./consent.ts";
import { type Restartability, restartabilityOf } from "./restartability.ts";
import {
  compareWithTarget,
  hasSidecar,
  isOutdated,
  type RunningPods,
  type Target,
} from "./running-pods.ts";
import { lostSettings, lostSharedConfigMap } from "./shared-config-map.ts";
import {
  type Decision,
  decideVerdict,
  exclusionFinding,
  needsInjection,
  type Verdict,
} from "./verdict.ts";
import { modeWarning, type Warning, warningsFor } from "./warnings.ts";

/** The verdict on one workload, with everything that reports and plans need to know about it. */
export interface Assessment {
  readonly workload: Workload;
  readonly verdict: Verdict;
  readonly finding: Finding;
  /** The largest change that a restart brings to a sidecar of the workload. */
  readonly change: Change;
  readonly running: readonly RunningPods[];
  /** `undefined` if injection would add no sidecar, or if the outcome is unknown. */
  readonly target: Target | undefined;
  readonly restart: Restartability;
  /** The outcome for a new pod by the rules alone, without a dry run. */
  readonly prediction: Prediction;
  /** True if the target comes from a dry run; false if it is a prediction. */
  readonly proved: boolean;
  readonly warnings: readonly Warning[];
}

/** The user's choices that affect an assessment. */
export interface AssessmentOptions extends Consent {
  /** Returns the flag that excludes the workload, or `undefined` if none does. */
  readonly excludes: (workload: Workload) => string | undefined;
}

/** The API server's answers to attempts to create a pod from the workload's template. */
export interface ServerAnswers {
  /** The answer to this tool's own dry run. */
  readonly dryRun?: DryRun | undefined;
  /** The message with which the API server last rejected a pod of the workload's controller. */
  readonly refusal?: string | undefined;
  /** The finding if no dry run proves the prediction, which is in doubt. */
  readonly unproved?: Finding | undefined;
}

/**
 * Assesses one workload.
 *
 * @param namespace `undefined` if the namespace could not be read.
 * @returns `undefined` for a workload outside the mesh: its pods have no sidecar and would get none.
 */
export function assess(
  workload: Workload,
  namespace: Namespace | undefined,
  mesh: Mesh,
  options: AssessmentOptions,
  { dryRun, refusal, unproved }: ServerAnswers = {},
): Assessment | undefined {
  const predicted = predictNewPod(workload, namespace, mesh);
  const isRendered = isRenderedGateway(workload);
  // The namespace may exclude the workload: until it is read, the verdict stays unknown. A dry run
  // of a rendered gateway shows what istiod rendered last, not what it would render now.
  const isUnusable = namespace === undefined || isRendered || showsWindowsSidecar(workload, dryRun);
  const usableDryRun = isUnusable ? undefined : dryRun;
  const checked = applyProof(predicted, usableDryRun, mesh, workload.template);
  const { proved, disagreement, notLoaded } = checked;
  const prediction: Prediction =
    unproved !== undefined && !proved ? { kind: "unknown", finding: unproved } : checked.prediction;
  const target = targetOf(notLoaded === undefined ? prediction : predicted);
  const running = workload.pods.map((group) => compareWithTarget(group, target));
  const lagging = isRendered ? laggingGateway(workload, running, mesh, refusal) : undefined;
  const managed = lagging ? undefined : managedFinding(workload, running);
  // A rejected dry run does not put a workload into the mesh: other admission rules reject pods too.
  const outcome = prediction.kind === "rejected" ? predicted : prediction;
  if (!managed && isOutsideMesh(workload, running, outcome)) return undefined;

  const excluded = exclusionFinding(workload, namespace, options.excludes(workload));
  const byInjection =
    lagging ??
    decision("outdated", notLoaded) ??
    keepInItsMesh(
      ambientDecision(decideVerdict(workload, running, prediction, refusal), workload, namespace),
      workload,
      mesh,
    );
  const { verdict, finding } =
    decision("managed", managed) ?? decision("excluded", excluded) ?? byInjection;
  const isRestartUseful =
    lagging === undefined &&
    (verdict === "outdated" ||
      verdict === "missing" ||
      (verdict === "current" && options.current && running.some(hasSidecar)));
  return {
    workload,
    verdict,
    finding,
    change: largestChange(running.map(({ change }) => change)),
    running,
    target,
    prediction: predicted,
    restart:
      verdict === "outdated" && notLoaded !== undefined
        ? { answer: "refused", finding: notLoaded }
        : isRestartUseful
          ? restartFor(workload, running, prediction, mesh, options)
          : lagging?.verdict === "outdated"
            ? { answer: "by-hand", finding }
            : NOT_NEEDED,
    proved,
    warnings: [
      ...(disagreement ? [disagreement] : []),
      ...(finding.code === "ambient" ? [{ code: "ambient", message: finding.reason }] : []),
      ...hiddenByVerdict(verdict, byInjection, prediction),
      ...warningsFor(workload, running, isRestartUseful),
      ...(isRestartUseful ? lostByRestart(running, target, mesh) : []),
      ...modeWarning(running, usableDryRun),
    ],
  };
}

/** Warns about mesh configuration that the pods lose with the revision of their target. */
function lostByRestart(
  running: readonly RunningPods[],
  target: Target | undefined,
  mesh: Mesh,
): readonly Warning[] {
  if (target === undefined) return [];
  const [warning] = running.flatMap(
    ({ revision }) =>
      (revision === undefined ? undefined : lostSettings(revision, target.revision, mesh)) ?? [],
  );
  return warning === undefined ? [] : [warning];
}

/** True if a dry run shows a sidecar in a pod for Windows. The API server may accept such a pod. */
function showsWindowsSidecar({ template }: Workload, dryRun: DryRun | undefined): boolean {
  return template?.windows === true && dryRun?.kind === "pod" && dryRun.image !== undefined;
}

function targetOf(prediction: Prediction): Target | undefined {
  return prediction.kind === "injected"
    ? { revision: prediction.revision, image: prediction.image }
    : undefined;
}

/**
 * Returns the assessment of a workload after an unexpected error. It depends on as little of the
 * workload as possible.
 */
export function unassessed(
  workload: Workload,
  namespace: Namespace | undefined,
  options: AssessmentOptions,
  message: string,
): Assessment {
  const excluded = exclusionFinding(workload, namespace, options.excludes(workload));
  const unknown = unknownOutcome.unexpectedError(workload, message);
  return {
    workload,
    verdict: excluded ? "excluded" : "unknown",
    finding: excluded ?? unknown,
    change: "none",
    running: workload.pods.map((group) => compareWithTarget(group, undefined)),
    target: undefined,
    prediction: { kind: "unknown", finding: unknown },
    restart: NOT_NEEDED,
    proved: false,
    warnings: [],
  };
}

/**
 * Decides about a gateway that istiod renders: it is managed only while istiod keeps it on target.
 *
 * @returns `undefined` if it does, or if the workload does not say which revision renders it.
 */
function laggingGateway(
  workload: Workload,
  running: readonly RunningPods[],
  mesh: Mesh,
  refusal: string | undefined,
): Decision | undefined {
  const prediction = predictRendered(workload, mesh);
  if (prediction === undefined) return undefined;
  const decided = decideVerdict(workload, running, prediction, refusal);
  switch (decided.verdict) {
    case "outdated":
      return { verdict: "outdated", finding: gatewayFinding(workload, mesh) };
    case "unknown":
    case "blocked":
      return decided;
    default:
      return undefined;
  }
}

/**
 * Replaces a command that would move a workload of another mesh into this one: its next step is in
 * that mesh.
 */
function keepInItsMesh(decided: Decision, { pods, ...ref }: Workload, mesh: Mesh): Decision {
  const { verdict, finding } = decided;
  const isCommand = typeof finding.nextStep !== "string" && finding.nextStep.kind === "invocation";
  if (verdict !== "would-lose" || !isCommand) return decided;
  const place = pods
    .flatMap(({ revision }) => revision ?? [])
    .map((revision) => injectorElsewhere(revision, mesh)?.elsewhere)
    .find((elsewhere) => elsewhere !== undefined);
  if (place === undefined) return decided;
  const { namespace } = ref;
  const nextStep = otherMeshStep(place, "explain", resourceName(ref), "--namespace", namespace);
  return { verdict, finding: { ...finding, nextStep } };
}

export const NOT_NEEDED: Restartability = {
  answer: "no",
  finding: { code: "not-needed", reason: "", nextStep: "" },
};

function decision(verdict: Verdict, finding: Finding | undefined): Decision | undefined {
  return finding && { verdict, finding };
}

/** True if no pod has a sidecar and no new pod would get one, or needs one to run. */
function isOutsideMesh(
  workload: Workload,
  running: readonly RunningPods[],
  prediction: Prediction,
): boolean {
  // Without live pods and without a rollout, the workload creates no more pods.
  if (running.length === 0 && workload.rollout === undefined) return true;
  return !needsInjection(workload) && !running.some(hasSidecar) && prediction.kind === "none";
}

/**
 * Warns about facts that the verdict hides: the verdict that an excluded workload would otherwise
 * have, and the pin of a workload that is due for a restart.
 */
function hiddenByVerdict(
  verdict: Verdict,
  byInjection: Decision,
  prediction: Prediction,
): readonly Warning[] {
  if (verdict === "excluded" && !["current", "pinned"].includes(byInjection.verdict)) {
    const message = `excluded, although ${byInjection.verdict}: ${byInjection.finding.reason}`;
    return [{ code: `otherwise-${byInjection.verdict}`, message }];
  }
  if (verdict !== "outdated" && verdict !== "missing") return [];
  const pinned = prediction.kind === "injected" ? pinFinding(prediction) : undefined;
  return pinned === undefined ? [] : [{ code: "pinned", message: pinned.reason }];
}

function restartFor(
  workload: Workload,
  running: readonly RunningPods[],
  prediction: Prediction,
  mesh: Mesh,
  consent: Consent,
): Restartability {
  const due = running.filter((group) => !hasSidecar(group) || isOutdated(group));
  // If every pod is on target, the user asked to restart all of them.
  const restart = restartabilityOf(workload, due.length > 0 ? due : running, consent);
  if (restart.answer !== "yes" || prediction.kind !== "injected") return restart;
  const lost = lostSharedConfigMap(running, prediction.revision, mesh);
  return lost === undefined ? restart : { answer: "refused", finding: lost };
}
