import { INJECTION_TEMPLATES } from "../istio-labels.ts";
import type { Namespace } from "../snapshot.ts";
import type { Assessment } from "./assessment.ts";
import { isRenderedGateway } from "./managed.ts";
import { POD_SECURITY_ENFORCE } from "./rejection.ts";

/**
 * True if a predicted assessment needs a dry run to be reliable: the prediction rules leave the
 * outcome open, or admission rules that they do not cover may reject the injected pod.
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
