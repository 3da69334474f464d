import { blockedBy, configNotLoaded, type Finding } from "./findings.ts";
import { defaultImage, type Mesh } from "./mesh.ts";
import { type DryRun, type Pin, pinOf, type PodTemplate } from "../snapshot.ts";
import { haveOtherVersions, haveSameTag } from "./image.ts";
import type { Prediction } from "./prediction.ts";
import type { Warning } from "./warnings.ts";

/** A prediction, corrected by a dry run if there was one. */
export interface CheckedPrediction {
  readonly prediction: Prediction;
  /** True if the dry run decided the outcome; false if the original prediction is unchanged. */
  readonly proved: boolean;
  /** Set if the dry run and the prediction differ. */
  readonly disagreement: Warning | undefined;
  /** Set if istiod still injects another version than its ConfigMap says. */
  readonly notLoaded?: Finding | undefined;
}

/**
 * Corrects a prediction by a dry run. If the two differ, the dry run counts, and a warning reports
 * the difference.
 *
 * @param dryRun `undefined` if no dry run was made; the prediction is then unchanged.
 */
export function applyProof(
  prediction: Prediction,
  dryRun: DryRun | undefined,
  mesh: Mesh,
  template: PodTemplate | undefined,
): CheckedPrediction {
  if (dryRun === undefined || dryRun.kind === "unavailable") {
    return { prediction, proved: false, disagreement: undefined };
  }
  if (
    prediction.kind === "none" &&
    dryRun.kind === "refused" &&
    !concernsInjection(dryRun.message, template)
  ) {
    // The pod was rejected for another reason. Without that reason, it would still get no sidecar.
    const { reason } = blockedBy.refusal("the API server rejected a dry run", dryRun.message);
    return {
      prediction,
      proved: false,
      disagreement: { code: "otherwise-blocked", message: reason },
    };
  }
  const proved = outcomeOf(dryRun, prediction, mesh, template);
  const notLoaded = notLoadedFinding(prediction, proved, mesh);
  return {
    prediction: proved,
    proved: true,
    notLoaded,
    disagreement:
      notLoaded !== undefined ||
      prediction.kind === "unknown" ||
      summaryOf(prediction) === summaryOf(proved)
        ? undefined
        : {
            code: "proof-differs",
            message: `predicted ${summaryOf(prediction)}, but the API server's dry run gives ${summaryOf(proved)}; the dry run wins`,
          },
  };
}

/**
 * Istiod keeps its last configuration if it cannot load a new one, and may read the ConfigMap only after
 * the kubelet has updated its volume. Policies change the registry, the digest or the image type, but
 * not the version.
 * Rules: Istio `pilot/pkg/bootstrap/sidecarinjector.go`; `pkg/kube/inject/watcher.go`.
 */
function notLoadedFinding(
  predicted: Prediction,
  proved: Prediction,
  mesh: Mesh,
): Finding | undefined {
  if (predicted.kind !== "injected" || proved.kind !== "injected") return undefined;
  const isOwn = predicted.pin === undefined && proved.pin === undefined;
  return isOwn &&
    predicted.revision === proved.revision &&
    haveOtherVersions(predicted.image, proved.image)
    ? configNotLoaded(predicted, proved.image, mesh)
    : undefined;
}

/**
 * True if an injector rejected the pod, or if the message names a container that injection adds. If the
 * template has a container `istio-proxy` of its own, only a second one comes from injection.
 */
function concernsInjection(message: string, template: PodTemplate | undefined): boolean {
  if (/sidecar-injector\.istio\.io|"istio-(?:init|validation)"/.test(message)) return true;
  const own = template?.proxy !== undefined;
  return message.includes(own ? 'Duplicate value: "istio-proxy"' : '"istio-proxy"');
}

function outcomeOf(
  dryRun: Exclude<DryRun, { kind: "unavailable" }>,
  prediction: Prediction,
  mesh: Mesh,
  template: PodTemplate | undefined,
): Prediction {
  if (dryRun.kind === "refused") {
    return { kind: "rejected", finding: rejectionFinding(prediction, dryRun.message) };
  }
  if (dryRun.image === undefined) {
    return {
      kind: "none",
      finding: prediction.kind === "none" ? prediction.finding : NOT_INJECTED,
    };
  }
  const name = dryRun.revision ?? "default";
  const revision = mesh.revisions.get(name);
  const given = revision && defaultImage(revision);
  const pin = pinAfter(dryRun.image, template, given);
  const byHand = pin?.by === "kube-inject";
  if (byHand && revision === undefined && !mesh.revisionsUnread) {
    return { kind: "rejected", finding: blockedBy.handInjectedGone(name, mesh) };
  }
  return {
    kind: "injected",
    revision: name,
    image: dryRun.image,
    pin,
    composed: false,
    unpinned: pin === undefined ? dryRun.image : byHand ? given : dryRun.unpinned,
    source: mesh.revisions.get(name)?.source ?? "the API server's dry run",
  };
}

/**
 * Returns the pin that is left in a new pod. A webhook may replace a sidecar that was injected by hand. A
 * policy may change the registry, the path or the digest of its image, but not the tag.
 *
 * @param given the image that the revision gives.
 */
function pinAfter(
  image: string,
  template: PodTemplate | undefined,
  given: string | undefined,
): Pin | undefined {
  const pin = template && pinOf(template);
  if (pin?.by !== "kube-inject") return pin;
  const own = template?.proxy?.image ?? "";
  const isKept = image === own || (haveSameTag(image, own) && !haveSameTag(image, given ?? ""));
  return isKept ? pin : undefined;
}

const NOT_INJECTED: Finding = {
  code: "not-injected",
  reason: "the API server's dry run creates the pod without a sidecar",
  nextStep: "look for another webhook or a policy that prevents injection",
};

/** Prefers the predicted finding, except for PodSecurity: there the API server's message says more. */
function rejectionFinding(prediction: Prediction, message: string): Finding {
  return prediction.kind === "rejected" && prediction.finding.code !== "pod-security"
    ? prediction.finding
    : blockedBy.refusal("the API server rejected a dry run", message);
}

function summaryOf(prediction: Prediction): string {
  switch (prediction.kind) {
    case "injected":
      return `${prediction.image} of ${prediction.revision}`;
    case "none":
      return "no sidecar";
    case "rejected":
      return "a rejection";
    case "unknown":
      return "unknown";
  }
}
