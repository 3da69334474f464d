import { DATAPLANE_MODE, INJECT } from "../istio-labels.ts";
import type { Namespace, Workload } from "../snapshot.ts";
import type { Decision } from "./verdict.ts";

/**
 * Replaces the verdict `missing` for pods in ambient mode: they are in the mesh without a sidecar.
 * Source: Istio `cni/pkg/util/podutil.go`, `PodRedirectionEnabled`.
 */
export function ambientDecision(
  decision: Decision,
  { template }: Workload,
  namespace: Namespace | undefined,
): Decision {
  const mode = template?.labels[DATAPLANE_MODE] ?? namespace?.labels[DATAPLANE_MODE];
  if (decision.verdict !== "missing" || mode !== "ambient") return decision;
  return {
    verdict: "current",
    finding: {
      code: "ambient",
      reason: `its pods are in the mesh by ambient mode (${DATAPLANE_MODE}=ambient), but injection would add a sidecar to new pods`,
      nextStep: `set the label ${INJECT}=false in the pod template, or remove the label that asks for injection`,
    },
  };
}
