import { count } from "../count.ts";
import type { DryRun, Namespace, PodGroup, Workload } from "../snapshot.ts";
import { wantedPods } from "../snapshot.ts";
import { newPodOf } from "../kubernetes/controller-labels.ts";
import { blockedBy, type Finding, undecided } from "./findings.ts";
import { type Change, compareImages, largestChange } from "./image.ts";
import { classifyManaged } from "./managed.ts";
import type { Mesh } from "./mesh.ts";
import { type Prediction, predictInjection } from "./prediction.ts";
import { applyProof, type CheckedPrediction } from "./proof.ts";
import { type Consent, type Restartability, restartabilityOf } from "./restartability.ts";
import { type Warning, warningsFor } from "./warnings.ts";
import { shellWord } from "../shell-word.ts";
import { EXCLUDE } from "../istio-labels.ts";

/** Every verdict, in the order in which the first that holds is taken. */
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

/** What is to be said of one workload. */
export interface Assessment {
  readonly workload: Workload;
  readonly verdict: Verdict;
  readonly finding: Finding;
  readonly change: Change;
  readonly running: readonly RunningPods[];
  /** `undefined` where nothing would be injected, or where that is unknown. */
  readonly target: Target | undefined;
  readonly restart: Restartability;
  /** The target is the answer of a dry run, not a prediction. */
  readonly proved: boolean;
  readonly warnings: readonly Warning[];
}

export interface RunningPods extends PodGroup {
  readonly change: Change;
}

export interface Target {
  readonly revision: string;
  readonly image: string;
}

export interface AssessmentOptions extends Consent {
  readonly excludes: (workload: Workload) => string | undefined;
}

export interface ServerAnswers {
  /** Asked for the sake of the verdict. */
  readonly dryRun?: DryRun | undefined;
  /** The last words to its controller, where it has no pods. */
  readonly refusal?: string | undefined;
}

/**
 * Judges one workload.
 *
 * @param namespace `undefined` where its labels could not be read.
 * @param evidence what the API server answered to whoever wanted a pod of the workload's template.
 * @returns `undefined` for a workload outside the mesh: no sidecar now, and none to come.
 */
export function assess(
  workload: Workload,
  namespace: Namespace | undefined,
  mesh: Mesh,
  policy: AssessmentOptions,
  { dryRun, refusal }: ServerAnswers = {},
): Assessment | undefined {
  const predicted = predictNewPod(workload, namespace, mesh);
  // Without its namespace nobody knows whether it was left out of this.
  const proof = namespace === undefined ? undefined : dryRun;
  const { prediction, proved, disagreement } = proveOr(predicted, proof, mesh, workload);
  const target =
    prediction.kind === "injected"
      ? { revision: prediction.revision, image: prediction.image }
      : undefined;
  const running = workload.pods.map((group) => ({ ...group, change: changeOf(group, target) }));
  const managed = classifyManaged(workload, running);
  // A pod that nothing would inject may be refused all the same: not for our sake.
  const outcome = prediction.kind === "rejected" ? predicted : prediction;
  if (!managed && isOutside(workload, running, outcome)) return undefined;

  const below = judge(workload, running, prediction, refusal);
  const { verdict, finding } =
    judged("managed", managed) ??
    judged("excluded", exclusion(workload, namespace, policy)) ??
    below;
  const mends =
    verdict === "outdated" ||
    verdict === "missing" ||
    (verdict === "current" && policy.current && running.length > 0);
  return {
    workload,
    verdict,
    finding,
    change: largestChange(running.map(({ change }) => change)),
    running,
    target,
    restart: mends ? restartOf(workload, running, prediction, mesh, policy) : NOT_NEEDED,
    proved,
    warnings: [
      ...(disagreement ? [disagreement] : []),
      ...hiddenBy(verdict, below, prediction),
      ...warningsFor(workload, running, mends),
    ],
  };
}

function proveOr(
  prediction: Prediction,
  dryRun: DryRun | undefined,
  mesh: Mesh,
  { template }: Workload,
): CheckedPrediction {
  return dryRun === undefined
    ? { prediction, proved: false, disagreement: undefined }
    : applyProof(prediction, dryRun, mesh, template);
}

const NOT_NEEDED: Restartability = {
  answer: "no",
  finding: { code: "not-needed", reason: "", nextStep: "" },
};

interface Judgement {
  readonly verdict: Verdict;
  readonly finding: Finding;
}

function judged(verdict: Verdict, finding: Finding | undefined): Judgement | undefined {
  return finding && { verdict, finding };
}

/** What would have been said, had no stronger verdict come before it. */
function hiddenBy(verdict: Verdict, below: Judgement, prediction: Prediction): readonly Warning[] {
  if (verdict === "excluded" && !["current", "pinned"].includes(below.verdict)) {
    const message = `left out, it is not shown as ${below.verdict}: ${below.finding.reason}`;
    return [{ code: `otherwise-${below.verdict}`, message }];
  }
  if ((verdict !== "outdated" && verdict !== "missing") || prediction.kind !== "injected")
    return [];
  const { pin } = prediction;
  return pin === undefined || prediction.image === prediction.unpinned
    ? []
    : [{ code: "pinned", message: pinOf(pin.by, prediction).reason }];
}

export function predictNewPod(
  workload: Workload,
  namespace: Namespace | undefined,
  mesh: Mesh,
): Prediction {
  if (namespace === undefined) {
    return { kind: "unknown", finding: undecided.namespaceUnread(workload.namespace) };
  }
  const pod = newPodOf(workload);
  if (pod === undefined) {
    return { kind: "unknown", finding: undecided.ownerUnread(workload.kind, workload.name) };
  }
  return predictInjection(pod, namespace, mesh);
}

/** No sidecar now, and certainly none to come. */
function isOutside(
  { rollout }: Workload,
  running: readonly RunningPods[],
  prediction: Prediction,
): boolean {
  // Without live pods and without a rollout that would make new ones, nothing comes any more.
  if (running.length === 0 && rollout === undefined) return true;
  return running.every(({ image }) => image === undefined) && prediction.kind === "none";
}

function exclusion(
  workload: Workload,
  namespace: Namespace | undefined,
  policy: AssessmentOptions,
): Finding | undefined {
  const by =
    policy.excludes(workload) ??
    (workload.annotations[EXCLUDE] === "true" ? `its annotation ${EXCLUDE}` : undefined) ??
    (namespace?.annotations[EXCLUDE] === "true"
      ? `the annotation ${EXCLUDE} of its namespace`
      : undefined);
  return by === undefined
    ? undefined
    : { code: "excluded", reason: `left out by ${by}`, nextStep: "" };
}

function judge(
  workload: Workload,
  running: readonly RunningPods[],
  prediction: Prediction,
  refusal: string | undefined,
): Judgement {
  if (prediction.kind === "unknown") return { verdict: "unknown", finding: prediction.finding };
  if (prediction.kind === "none") return { verdict: "would-lose", finding: prediction.finding };
  if (prediction.kind === "rejected") return { verdict: "blocked", finding: prediction.finding };
  const wanted = workload.rollout && wantedPods(workload.rollout);
  // Also while its last pods are still to go: nothing would come after them.
  if (wanted === 0) return { verdict: "current", finding: SCALED_TO_ZERO };
  if (running.length === 0) {
    return refusal === undefined
      ? { verdict: "unknown", finding: undecided.noPods(wanted ?? 0) }
      : { verdict: "blocked", finding: blockedBy.refusal("its pods are refused", refusal) };
  }

  const late = running.filter(({ image, change }) => image !== undefined && change !== "none");
  const bare = running.filter(({ image }) => image === undefined);
  if (late.length > 0) return { verdict: "outdated", finding: lagOf(late, prediction) };
  if (bare.length > 0) {
    return {
      verdict: "missing",
      finding: {
        code: "no-sidecar",
        reason: `${count(countPods(bare), "pod", ["has", "have"])} no sidecar, and ${prediction.revision} would inject one`,
        nextStep: "add --include missing to restart it",
      },
    };
  }
  if (prediction.pin !== undefined && prediction.image !== prediction.unpinned) {
    return { verdict: "pinned", finding: pinOf(prediction.pin.by, prediction) };
  }
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
  reason: "it is scaled to zero",
  nextStep: "",
};

function lagOf(
  late: readonly RunningPods[],
  target: Extract<Prediction, { kind: "injected" }>,
): Finding {
  const pods = count(countPods(late), "pod");
  const imageDiffers = late.some(({ change }) => change !== "revision");
  return {
    code: imageDiffers ? "image-differs" : "revision-differs",
    reason: imageDiffers
      ? `${pods} would get ${target.image} from ${target.source}`
      : `${pods} would get the same image from another revision, ${target.revision}`,
    nextStep: "",
  };
}

function pinOf(
  by: "annotation" | "container",
  {
    image,
    unpinned,
    revision,
  }: {
    readonly image: string;
    readonly unpinned: string | undefined;
    readonly revision: string;
  },
): Finding {
  const pin =
    by === "annotation"
      ? "the pod template's annotation sidecar.istio.io/proxyImage"
      : "the pod template's own container istio-proxy";
  return {
    code: `pinned-by-${by}`,
    reason: `${pin} pins ${image}; ${revision} gives ${unpinned ?? "an image that cannot be told"}`,
    nextStep: `remove ${pin} to follow the revision`,
  };
}

function restartOf(
  workload: Workload,
  running: readonly RunningPods[],
  prediction: Prediction,
  mesh: Mesh,
  policy: AssessmentOptions,
): Restartability {
  const late = running.filter(({ image, change }) => image === undefined || change !== "none");
  // On target, and asked for all the same: every pod is meant.
  const restart = restartabilityOf(workload, late.length > 0 ? late : running, policy);
  if (restart.answer !== "yes" || prediction.kind !== "injected") return restart;
  const lost = lostSharedConfigMap(running, prediction.revision, mesh);
  return lost === undefined ? restart : { answer: "refused", finding: lost };
}

/** AKS does not copy the shared mesh configuration to a new revision: it would silently be lost. */
function lostSharedConfigMap(
  running: readonly RunningPods[],
  target: string,
  { sharedConfigMaps, istioNamespace }: Mesh,
): Finding | undefined {
  const name = (revision: string) => `istio-shared-configmap-${revision}`;
  if (sharedConfigMaps?.has(name(target))) return undefined;
  const old = running
    .flatMap(({ revision }) => revision ?? [])
    .find((revision) => revision !== target && sharedConfigMaps?.has(name(revision)) !== false);
  if (old === undefined) return undefined;
  if (sharedConfigMaps === undefined) {
    return {
      code: "shared-configmap-unread",
      reason: `${name(old)} may hold mesh configuration that would be lost with the revision ${target}: the configmaps in ${istioNamespace} could not be read`,
      nextStep: `ask for it, then see: kubectl auth can-i list configmaps -n ${shellWord(istioNamespace)}`,
    };
  }
  // A revision of any other name could say more to sed than its name.
  const named = [old, target].every((revision) => /^[\w.-]+$/.test(revision));
  return {
    code: "shared-configmap-missing",
    reason: `${name(old)} exists in ${istioNamespace} and ${name(target)} does not: the mesh configuration in it would be lost`,
    nextStep: named
      ? `kubectl get configmap ${name(old)} -n ${shellWord(istioNamespace)} -o yaml | sed 's/${old}/${target}/' | kubectl create -f -`
      : `copy ${name(old)} in ${istioNamespace} to ${name(target)}`,
  };
}

function changeOf(group: PodGroup, target: Target | undefined): Change {
  if (target === undefined || group.image === undefined) return "none";
  const change = compareImages(group.image, target.image);
  return change === "none" && group.revision !== undefined && group.revision !== target.revision
    ? "revision"
    : change;
}

function countPods(groups: readonly PodGroup[]): number {
  return groups.reduce((sum, { pods }) => sum + pods, 0);
}
