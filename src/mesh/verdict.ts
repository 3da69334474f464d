import { count } from "../wording.ts";
import { EXCLUDE } from "../istio-labels.ts";
import { leavesImageOpen, type Namespace, wantedPods, type Workload } from "../snapshot.ts";
import { notYetReplaced } from "./changed-in-place.ts";
import { blockedBy, type Finding, unknownOutcome } from "./findings.ts";
import { pinFinding } from "./pin.ts";
import type { InjectedPrediction, Prediction } from "./prediction.ts";
import { restartWithConsent } from "./restartability.ts";
import { countPods, hasSidecar, isOutdated, type RunningPods } from "./running-pods.ts";

/** Every verdict, in order of precedence: if several apply to a workload, it gets the first. */
export const VERDICTS = [
  "managed",
  "excluded",
  "unknown",
  "would-lose",
  "blocked",
  "outdated",
  "missing",
  "pinned",
  "current",
] as const;

export type Verdict = (typeof VERDICTS)[number];

/** A verdict and the finding that explains it. */
export interface Decision {
  readonly verdict: Verdict;
  readonly finding: Finding;
}

/**
 * Decides the verdict by the prediction and the running pods. The verdicts `managed` and
 * `excluded` take precedence over the result; the caller decides them.
 *
 * @param refusal the message with which the API server last rejected a pod of the workload.
 */
export function decideVerdict(
  workload: Workload,
  running: readonly RunningPods[],
  prediction: Prediction,
  refusal: string | undefined,
): Decision {
  switch (prediction.kind) {
    case "unknown":
      return { verdict: "unknown", finding: prediction.finding };
    case "none":
      return needsInjection(workload) && !running.some(hasSidecar)
        ? { verdict: "blocked", finding: blockedBy.imageLeftOpen(prediction.finding) }
        : { verdict: "would-lose", finding: prediction.finding };
    case "rejected":
      return { verdict: "blocked", finding: prediction.finding };
    case "injected":
      return decideByPods(workload, running, prediction, refusal);
  }
}

/** True if the template's container `istio-proxy` cannot run until injection sets its image. */
export function needsInjection({ template }: Workload): boolean {
  return template?.proxy !== undefined && leavesImageOpen(template.proxy);
}

function decideByPods(
  workload: Workload,
  running: readonly RunningPods[],
  prediction: InjectedPrediction,
  refusal: string | undefined,
): Decision {
  const wanted = workload.rollout && wantedPods(workload.rollout);
  if (running.length === 0) {
    if (wanted === 0) return { verdict: "current", finding: SCALED_TO_ZERO };
    if (workload.isIdle) return { verdict: "current", finding: idleFinding(prediction) };
    return refusal === undefined
      ? { verdict: "unknown", finding: unknownOutcome.noPods(workload, wanted ?? 0) }
      : { verdict: "blocked", finding: blockedBy.refusal("its pods are rejected", refusal) };
  }
  const outdated = running.filter(isOutdated);
  if (outdated.length > 0) {
    return { verdict: "outdated", finding: outdatedFinding(outdated, prediction) };
  }
  const [unreplaced] = notYetReplaced(running);
  if (unreplaced !== undefined) {
    return { verdict: "unknown", finding: unknownOutcome.notReplaced(workload, unreplaced) };
  }
  const bare = running.filter((group) => !hasSidecar(group));
  if (bare.length > 0)
    return { verdict: "missing", finding: missingFinding(workload, bare, prediction) };
  const pinned = pinFinding(prediction);
  if (pinned !== undefined) return { verdict: "pinned", finding: pinned };
  return {
    verdict: "current",
    finding: {
      code: "on-target",
      reason: `every pod runs what ${prediction.source} gives now`,
      nextStep: "",
    },
  };
}

const SCALED_TO_ZERO: Finding = {
  code: "scaled-to-zero",
  reason: "scaled to zero",
  nextStep: "",
};

function idleFinding({ image, revision }: InjectedPrediction): Finding {
  return {
    code: "no-live-pods",
    reason: `has no live pod; a new one would get ${image} of ${revision}`,
    nextStep: "",
  };
}

function outdatedFinding(outdated: readonly RunningPods[], target: InjectedPrediction): Finding {
  const pods = count(countPods(outdated), "pod");
  const imageDiffers = outdated.some(({ change }) => change !== "revision");
  return {
    code: imageDiffers ? "image-differs" : "revision-differs",
    reason: imageDiffers
      ? `${pods} would get ${target.image} from ${target.source}`
      : `${pods} would get the same image from another revision, ${target.revision}`,
    nextStep: "",
  };
}

function missingFinding(
  workload: Workload,
  bare: readonly RunningPods[],
  { revision }: InjectedPrediction,
): Finding {
  return {
    code: "no-sidecar",
    reason: `${count(countPods(bare), "pod", ["has", "have"])} no sidecar, and ${revision} would inject one`,
    nextStep: restartWithConsent(workload, ["missing"]),
  };
}

/**
 * Explains why the user excluded a workload: with a flag, or with an annotation of the workload
 * or of its namespace.
 *
 * @param byFlag the flag that excludes the workload.
 * @returns `undefined` if nothing excludes the workload.
 */
export function exclusionFinding(
  workload: Workload,
  namespace: Namespace | undefined,
  byFlag: string | undefined,
): Finding | undefined {
  const by =
    byFlag ??
    (workload.annotations[EXCLUDE] === "true" ? `its annotation ${EXCLUDE}` : undefined) ??
    (namespace?.annotations[EXCLUDE] === "true"
      ? `the annotation ${EXCLUDE} of its namespace`
      : undefined);
  return by === undefined
    ? undefined
    : { code: "excluded", reason: `excluded by ${by}`, nextStep: "" };
}
