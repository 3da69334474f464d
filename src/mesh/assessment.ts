import type { DryRun, Namespace, Workload } from "../snapshot.ts";
import type { Age } from "./age.ts";
import { ambientDecision } from "./ambient.ts";
import { resourceName } from "../kubernetes/kinds.ts";
import { type Choice, choiceStep, thenRestart } from "./choices.ts";
import { injectorElsewhere, otherMeshStep } from "./elsewhere.ts";
import type { Drift } from "./drift.ts";
import { isWantedOnTarget } from "./drifted.ts";
import { type Finding, unknownOutcome } from "./findings.ts";
import { type Change, largestChange } from "./image.ts";
import type { InPlace } from "./in-place.ts";
import { isRenderedGateway, managedFinding } from "./managed.ts";
import type { Mesh } from "./mesh.ts";
import { pinFinding } from "./pin.ts";
import { type Prediction, predictNewPod, predictRendered } from "./prediction.ts";
import { applyProof } from "./proof.ts";
import { gatewayFinding, isBeingRendered } from "./rendered-gateway.ts";
import {
  moveNotAllowed,
  type Restartability,
  restartabilityOf,
  type RestartOptions,
  withinSidecar,
} from "./restartability.ts";
import {
  compareWithTarget,
  hasSidecar,
  isOutdated,
  type RunningPods,
  type Target,
} from "./running-pods.ts";
import { lostSettings, lostSharedConfigMap } from "./shared-config-map.ts";
import { consentToGoBack, goesBack, isRejectedByInjector } from "./way-back.ts";
import {
  type Decision,
  decideVerdict,
  exclusionFinding,
  needsInjection,
  type Verdict,
} from "./verdict.ts";
import { modeWarning, unreadyWarning, type Warning, warningsFor } from "./warnings.ts";

/** The verdict on one workload, with everything that reports and plans need to know about it. */
export interface Assessment {
  readonly workload: Workload;
  readonly verdict: Verdict;
  readonly finding: Finding;
  /** The largest change that a restart brings to a sidecar of the workload. */
  readonly change: Change;
  readonly running: readonly RunningPods[];
  /** The time for which it has been outdated; absent if it is not, or if it was not asked for. */
  readonly outdatedFor?: Age;
  /** `undefined` if injection would add no sidecar, or if the outcome is unknown. */
  readonly target: Target | undefined;
  readonly restart: Restartability;
  /** The outcome for a new pod by the rules alone, without a dry run. */
  readonly prediction: Prediction;
  /** True if the target comes from a dry run; false if it is a prediction. */
  readonly proved: boolean;
  readonly warnings: readonly Warning[];
  /** The other changes of a restart; `undefined` if they were not asked for, or are unknown. */
  readonly drift?: readonly Drift[] | undefined;
  /** The decision about a replacement in place; absent if nobody asked for it. */
  readonly inPlace?: InPlace;
}

/** The user's choices that affect an assessment. */
export interface AssessmentOptions extends RestartOptions {
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
  /** The differences between its pods and new ones. */
  readonly drift?: readonly Drift[] | undefined;
  /** Warnings about images that a restart may change, although no dry run shows it. */
  readonly imageWarnings?: readonly Warning[];
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
  { dryRun, refusal, unproved, drift, imageWarnings = [] }: ServerAnswers = {},
): Assessment | undefined {
  const predicted = predictNewPod(workload, namespace, mesh);
  const isRendered = isRenderedGateway(workload);
  // The namespace may exclude the workload: until it is read, the verdict stays unknown. A dry run
  // of a rendered gateway shows what istiod rendered last, not what it would render now.
  const isUnusable = namespace === undefined || isRendered || showsWindowsSidecar(workload, dryRun);
  const usableDryRun = isUnusable ? undefined : dryRun;
  const checked = applyProof(predicted, usableDryRun, mesh, workload.template);
  const { proved, disagreement } = checked;
  const prediction: Prediction =
    unproved !== undefined && !proved ? { kind: "unknown", finding: unproved } : checked.prediction;
  // Without pods, nothing lags behind a ConfigMap that istiod has not loaded.
  const notLoaded = workload.pods.length > 0 ? checked.notLoaded : undefined;
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
    wouldLoseStep(
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
      (verdict === "current" && isWantedOnTarget(drift, options) && running.some(hasSidecar)) ||
      isHeldBack({ verdict, finding, workload }, options));
  const possible: Restartability =
    verdict === "outdated" && notLoaded !== undefined
      ? { answer: "refused", finding: notLoaded }
      : isRestartUseful
        ? restartFor(workload, running, prediction, mesh, options)
        : lagging?.verdict === "outdated"
          ? { answer: "by-hand", finding }
          : NOT_NEEDED;
  const restart = withinSidecar(possible, workload, drift, options);
  return {
    workload,
    verdict,
    finding,
    change: largestChange(running.map(({ change }) => change)),
    running,
    target,
    prediction: predicted,
    restart,
    proved,
    drift,
    warnings: [
      ...(disagreement ? [disagreement] : []),
      ...(finding.code === "ambient" ? [{ code: "ambient", message: finding.reason }] : []),
      ...hiddenByVerdict(verdict, byInjection, prediction),
      ...warningsFor(workload, running, isRestartUseful),
      ...(isRestartUseful ? lostByRestart(running, target, mesh, options) : []),
      ...(restart.answer === "yes" ? unreadyWarning(workload, running) : []),
      ...modeWarning(running, usableDryRun),
      ...imageWarnings,
    ],
  };
}

/**
 * True if a rollout is to be started again, because the injector of the revision that pods leave rejects
 * its new pods: the workload has only pods of the target, or none.
 */
export function isHeldBack(
  { verdict, finding, workload }: Pick<Assessment, "verdict" | "finding" | "workload">,
  { back }: Pick<RestartOptions, "back">,
): boolean {
  const hasOnlyTarget = verdict === "current" || finding.code === "no-pods";
  return back && hasOnlyTarget && isRejectedByInjector(workload.rollout);
}

/** Warns about mesh configuration that the pods lose with the revision of their target. */
function lostByRestart(
  running: readonly RunningPods[],
  target: Target | undefined,
  mesh: Mesh,
  consent: RestartOptions,
): readonly Warning[] {
  if (target === undefined) return [];
  const all = consent.back && goesBack(running, target);
  const lost = all ? lostSharedConfigMap(running, target.revision, mesh) : undefined;
  if (lost !== undefined) return [{ code: lost.code, message: lost.reason }];
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
      return isBeingRendered(workload, mesh)
        ? undefined
        : { verdict: "outdated", finding: gatewayFinding(workload, mesh) };
    case "unknown":
    case "blocked":
      return decided;
    default:
      return undefined;
  }
}

/**
 * Completes the next step of a workload that would lose its sidecar: a restart follows the label. A
 * command that would move a workload of another mesh into this one is replaced: its next step is in
 * that mesh.
 */
function wouldLoseStep(decided: Decision, { pods, ...ref }: Workload, mesh: Mesh): Decision {
  const { verdict, finding } = decided;
  if (verdict !== "would-lose") return decided;
  const { nextStep: step, choices } = finding;
  const isCommand = typeof step !== "string" && step.kind === "invocation";
  if (choices === undefined && !isCommand) return decided;
  const place = pods
    .flatMap(({ revision }) => revision ?? [])
    .map((revision) => injectorElsewhere(revision, mesh)?.elsewhere)
    .find((elsewhere) => elsewhere !== undefined);
  const { namespace } = ref;
  if (place === undefined) {
    if (choices === undefined) return decided;
    // The revision that the pods run is the most likely one.
    const runs = ({ revision }: Choice) => pods.some((group) => group.revision === revision);
    const ordered = [...choices.filter(runs), ...choices.filter((choice) => !runs(choice))];
    const nextStep = choiceStep(thenRestart(ordered, namespace), mesh);
    return { verdict, finding: { ...finding, nextStep } };
  }
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
  const mayCreatePods = workload.rollout !== undefined || workload.isIdle === true;
  if (running.length === 0 && !mayCreatePods) return true;
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
  consent: RestartOptions,
): Restartability {
  const due = running.filter((group) => !hasSidecar(group) || isOutdated(group));
  const target = targetOf(prediction);
  const own = { ...consent, ...consentToGoBack(consent, running, target) };
  // If every pod is on target, the user asked to restart all of them.
  const restart = restartabilityOf(workload, due.length > 0 ? due : running, own, target);
  if (restart.answer !== "yes" || target === undefined) return restart;
  const lost = lostSharedConfigMap(running, target.revision, mesh);
  const isBack = consent.back && goesBack(running, target);
  if (lost !== undefined && !isBack) return { answer: "refused", finding: lost };
  return moveNotAllowed(workload, target, consent) ?? restart;
}
