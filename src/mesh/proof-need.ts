import {
  INJECT,
  INJECTION_TEMPLATES,
  NATIVE_SIDECAR,
  PROXY_CONFIG,
  PROXY_IMAGE,
  PROXY_IMAGE_TYPE,
  REVISION,
} from "../istio-labels.ts";
import { matchesSelector } from "../kubernetes/selector.ts";
import type { DryRun, Labels, Namespace, PodTemplate, ProxyConfig } from "../snapshot.ts";
import type { Assessment } from "./assessment.ts";
import { type Finding, unknownOutcome } from "./findings.ts";
import { haveOtherVersions, parseImage, registryOf } from "./image.ts";
import { isRenderedGateway } from "./managed.ts";
import { defaultImage, type Mesh, type Revision } from "./mesh.ts";
import type { InjectedPrediction } from "./prediction.ts";
import { POD_SECURITY_ENFORCE } from "./rejection.ts";
import { hasSidecar, isOutdated, type RunningPods } from "./running-pods.ts";

/**
 * True if a predicted assessment needs a dry run of its own to be reliable: the prediction rules leave
 * the outcome open, or admission rules that they do not cover may reject the injected pod.
 */
export function needsProof(
  predicted: Assessment | undefined,
  namespace: Namespace | undefined,
): boolean {
  if (predicted === undefined) return false;
  const { verdict, finding, target, workload } = predicted;
  // Istiod renders the proxy of a gateway: a dry run shows nothing about it.
  if (isRenderedGateway(workload)) return false;
  if (verdict === "unknown") return true;
  // The rules do not know every exemption, policy and injection template. A dry run of a dead webhook
  // would only wait for its timeout, and a dry run
  // of a Windows pod shows a sidecar that cannot run.
  if (verdict === "blocked") return !["webhook-dead", "windows"].includes(finding.code);
  if (verdict === "managed" || verdict === "excluded" || target === undefined) return false;
  const templates = workload.template?.annotations[INJECTION_TEMPLATES] ?? "";
  // Several templates may add the same container.
  return isEnforcing(namespace) || templates.includes(",");
}

/** True if PodSecurity may reject `istio-init`: every level but `privileged` forbids what it needs. */
function isEnforcing(namespace: Namespace | undefined): boolean {
  const level = namespace?.labels[POD_SECURITY_ENFORCE];
  return level !== undefined && level !== "privileged";
}

/**
 * A question about a predicted target that a dry run can answer. The answer of one workload holds for
 * every workload with the same key, so that the number of dry runs does not grow with the number of
 * workloads.
 */
export interface ProofQuestion {
  /** Names the namespace, the kind of template, the running images and the target. */
  readonly key: string;
  /**
   * Names only the target. Set if nothing speaks against the prediction: as long as one dry run for
   * this key confirms it, no other is needed.
   */
  readonly targetKey: string | undefined;
  /** True if a dry run gives the predicted target. */
  readonly confirms: (dryRun: DryRun) => boolean;
  /**
   * Returns the finding of a workload whose question has no answer; `undefined` if the prediction
   * counts without an answer.
   *
   * @param why the reason why there is no answer.
   */
  readonly unproved: ((why: string) => Finding) | undefined;
}

/**
 * Finds the question that a predicted assessment raises: signs that the prediction is not what
 * injection gives, a target that something lags behind, or one that no pod has reached yet.
 *
 * @param proxyConfigs the ProxyConfigs of the namespace and of the root namespace; `undefined` if they
 *   are unread.
 * @returns `undefined` if the assessment raises none.
 */
export function proofQuestion(
  predicted: Assessment | undefined,
  mesh: Mesh,
  proxyConfigs: readonly ProxyConfig[] | undefined,
): ProofQuestion | undefined {
  const prediction = predicted && composablePrediction(predicted);
  if (predicted === undefined || prediction === undefined) return undefined;
  const applying = prediction.composed ? applyingConfigs(predicted, proxyConfigs) : [];
  const revision = mesh.revisions.get(prediction.revision);
  const lagging = predicted.running.filter(isOutdated);
  const { revision: name, image } = prediction;
  const key = keyOf(predicted, prediction, applying);
  const confirms = (dryRun: DryRun) =>
    dryRun.kind === "pod" && dryRun.image === image && (dryRun.revision ?? "default") === name;
  const question = { key, targetKey: undefined, confirms, unproved: undefined };
  if (applying === undefined || applying.length > 0) {
    const [config] = applying ?? [];
    const cause = config
      ? `proxyconfig ${config.namespace}/${config.name}`
      : "a ProxyConfig, which could not be read,";
    return {
      ...question,
      unproved: (why) => unknownOutcome.proxyConfig(predicted.workload, image, cause, why),
    };
  }
  if (predicted.verdict === "outdated") {
    const rewritten = lagging.flatMap(
      (group) => rewriteIn(group, predicted, prediction, mesh) ?? [],
    );
    const newer = lagging.map((group) => newerThanTarget(group, predicted, prediction, revision));
    // If a policy changes images, it changes those of all new pods. But pods that are older than their
    // target gain from a restart, even if the others do not.
    const unproved =
      rewritten[0] ?? (newer.every((each) => each !== undefined) ? newer[0] : undefined);
    const isForeign = lagging.some((group) => isFromElsewhere(group, prediction));
    const hasSign = isForeign || [...rewritten, ...newer].some((each) => each !== undefined);
    return {
      ...question,
      targetKey: hasSign ? undefined : JSON.stringify([name, image]),
      unproved,
    };
  }
  // No pod shows whether a policy changes the image.
  if (predicted.verdict === "missing") return question;
  return predicted.verdict === "current" && isOtherMode(predicted, revision) ? question : undefined;
}

/** True if a ProxyConfig may change what a workload gets, so that the ProxyConfigs must be read. */
export function isComposed(predicted: Assessment | undefined): boolean {
  return predicted !== undefined && composablePrediction(predicted)?.composed === true;
}

/** The prediction of a workload that a dry run shows; `undefined` for any other workload. */
function composablePrediction({
  verdict,
  workload,
  prediction,
}: Assessment): InjectedPrediction | undefined {
  if (verdict === "managed" || verdict === "excluded" || isRenderedGateway(workload)) {
    return undefined;
  }
  return prediction.kind === "injected" ? prediction : undefined;
}

/** Rule: Istio `pilot/pkg/model/proxy_config.go`, `EffectiveProxyConfig`. */
function applyingConfigs(
  { workload }: Assessment,
  proxyConfigs: readonly ProxyConfig[] | undefined,
): readonly ProxyConfig[] | undefined {
  const labels = workload.template?.labels ?? {};
  return proxyConfigs?.filter(({ selector }) => matchesSelector(labels, { matchLabels: selector }));
}

/**
 * Returns the finding about lagging pods which show that a policy may change the image after injection;
 * `undefined` if nothing shows it.
 */
function rewriteIn(
  { image = "", revision: running, change }: RunningPods,
  { workload }: Assessment,
  { image: target, revision: name, pin }: InjectedPrediction,
  mesh: Mesh,
): ProofQuestion["unproved"] {
  const isOwn = running === undefined || running === name;
  if (isOwn && change === "other" && !haveOtherVersions(image, target)) {
    return (why) => unknownOutcome.rewritten(workload, image, target, why);
  }
  // The pods may be older than the pin.
  if (pin !== undefined || !hasOtherOrigin(image, target)) return undefined;
  if (isOwn) return otherOrigin;
  // The revision of these pods may give images of another registry.
  const injector = mesh.revisions.get(running);
  const given = injector && defaultImage(injector);
  const isRewritten =
    given === undefined ? registryOf(image) !== registryOf(target) : hasOtherOrigin(image, given);
  return isRewritten ? otherOrigin : undefined;

  function otherOrigin(why: string): Finding {
    return unknownOutcome.otherOrigin(workload, image, target, why);
  }
}

/**
 * Returns the finding about pods that lag behind although they are newer than their target, so that a
 * restart may give them nothing new; `undefined` for any other pods.
 */
function newerThanTarget(
  { image = "", revision: running, newest }: RunningPods,
  { workload }: Assessment,
  { revision: name, pin, source }: InjectedPrediction,
  revision: Revision | undefined,
): ProofQuestion["unproved"] {
  // The pods of another revision, or of another pin, may be older than the change of their target.
  const isNewer =
    pin === undefined &&
    running === name &&
    newest !== undefined &&
    revision?.changedAt !== undefined &&
    Date.parse(newest) > Date.parse(revision.changedAt);
  return isNewer ? (why) => unknownOutcome.nothingNewer(workload, image, source, why) : undefined;
}

/** True if an image has another registry or path, or if only one of the two has a digest. */
function hasOtherOrigin(image: string, other: string): boolean {
  const [one, two] = [parseImage(image), parseImage(other)];
  return (
    one.repository !== two.repository || (one.digest === undefined) !== (two.digest === undefined)
  );
}

/** True if the running image has another registry, path or digest than the target. */
function isFromElsewhere(
  { image = "" }: RunningPods,
  { image: target }: InjectedPrediction,
): boolean {
  return hasOtherOrigin(image, target) || parseImage(image).digest !== parseImage(target).digest;
}

/** True if istiod is set to give sidecars of the other mode: native instead of ordinary, or not. */
function isOtherMode({ running }: Assessment, revision: Revision | undefined): boolean {
  const native = revision?.istiod?.native;
  if (native !== "true" && native !== "false") return false;
  return running.some((group) => hasSidecar(group) && String(group.native) !== native);
}

const RELEVANT_LABELS = [INJECT, REVISION];
const RELEVANT_ANNOTATIONS = [
  INJECT,
  INJECTION_TEMPLATES,
  NATIVE_SIDECAR,
  PROXY_CONFIG,
  PROXY_IMAGE,
  PROXY_IMAGE_TYPE,
];

function keyOf(
  { workload, running }: Assessment,
  { revision, image }: InjectedPrediction,
  applying: readonly ProxyConfig[] | undefined,
): string {
  const sidecars = running.filter(hasSidecar).map((group) => `${group.image} ${group.revision}`);
  return JSON.stringify([
    workload.namespace,
    workload.template && kindOf(workload.template),
    [...new Set(sidecars)].sort(),
    [revision, image],
    applying?.map(({ namespace, name }) => [namespace, name]),
  ]);
}

function kindOf({ labels, annotations, hostNetwork, proxy }: PodTemplate) {
  const values = (map: Labels, keys: readonly string[]) => keys.map((key) => map[key]);
  return [
    values(labels, RELEVANT_LABELS),
    values(annotations, RELEVANT_ANNOTATIONS),
    hostNetwork,
    proxy,
  ];
}
