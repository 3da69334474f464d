import { blockedBy, type Finding } from "./findings.ts";
import type { Mesh } from "./mesh.ts";
import { type DryRun, pinOf, type PodTemplate } from "../snapshot.ts";
import type { Prediction } from "./prediction.ts";
import type { Warning } from "./warnings.ts";

export interface CheckedPrediction {
  readonly prediction: Prediction;
  /** It was proved: `false` where the dry run proved nothing, and the prediction stands. */
  readonly proved: boolean;
  /** The rules here came to something else than the real injector, or hide what it said. */
  readonly disagreement: Warning | undefined;
}

/** Lays a dry run over a prediction: where they disagree, the dry run wins, and that is said. */
export function applyProof(
  prediction: Prediction,
  dryRun: DryRun,
  mesh: Mesh,
  template: PodTemplate | undefined,
): CheckedPrediction {
  if (dryRun.kind === "unavailable") {
    return { prediction, proved: false, disagreement: undefined };
  }
  if (prediction.kind === "none" && dryRun.kind === "refused" && !isOfInjection(dryRun.message)) {
    // Refused for its own sake: once that is mended, it comes up without a sidecar all the same.
    const { reason } = blockedBy.refusal("a dry run by the API server is refused", dryRun.message);
    return {
      prediction,
      proved: false,
      disagreement: { code: "otherwise-blocked", message: reason },
    };
  }
  const proved = predictionOf(prediction, dryRun, mesh, template);
  return {
    prediction: proved,
    proved: true,
    disagreement:
      prediction.kind === "unknown" || summaryOf(prediction) === summaryOf(proved)
        ? undefined
        : {
            code: "proof-differs",
            message: `predicted was ${summaryOf(prediction)}; a dry run by the API server gives ${summaryOf(proved)}, which counts`,
          },
  };
}

/** By an injector, or by somebody who saw what it had added. */
function isOfInjection(message: string): boolean {
  return /sidecar-injector\.istio\.io|"istio-(?:init|proxy|validation)"/.test(message);
}

function predictionOf(
  prediction: Prediction,
  dryRun: Exclude<DryRun, { kind: "unavailable" }>,
  mesh: Mesh,
  template: PodTemplate | undefined,
): Prediction {
  if (dryRun.kind === "refused") {
    return { kind: "rejected", finding: refusedBy(prediction, dryRun.message) };
  }
  if (dryRun.image === undefined) {
    return {
      kind: "none",
      finding: prediction.kind === "none" ? prediction.finding : NOT_INJECTED,
    };
  }
  const name = dryRun.revision ?? "default";
  const pin = template && pinOf(template);
  return {
    kind: "injected",
    revision: name,
    image: dryRun.image,
    pin,
    unpinned: pin === undefined ? dryRun.image : dryRun.unpinned,
    source: mesh.revisions.get(name)?.source ?? "a dry run by the API server",
  };
}

const NOT_INJECTED: Finding = {
  code: "not-injected",
  reason: "a dry run by the API server creates the pod without a sidecar",
  nextStep: "look for another webhook or policy that keeps injection away",
};

function refusedBy(prediction: Prediction, message: string): Finding {
  // The API server's own words say more of PodSecurity than a rule does.
  return prediction.kind === "rejected" && prediction.finding.code !== "pod-security"
    ? prediction.finding
    : blockedBy.refusal("a dry run by the API server is refused", message);
}

function summaryOf(prediction: Prediction): string {
  switch (prediction.kind) {
    case "injected":
      return `${prediction.image} of ${prediction.revision}`;
    case "none":
      return "no sidecar";
    case "rejected":
      return "a refusal";
    case "unknown":
      return "unknown";
  }
}
