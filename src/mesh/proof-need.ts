import type { Namespace } from "../snapshot.ts";
import type { Assessment } from "./assessment.ts";
import { INJECTION_TEMPLATES } from "../istio-labels.ts";

/**
 * Whether the rules here may not see all that happens to a new pod: where they decide nothing, and
 * where an injected pod may be refused by what comes after the injector.
 */
export function needsProof(
  predicted: Assessment | undefined,
  namespace: Namespace | undefined,
): boolean {
  if (predicted === undefined) return false;
  const { verdict, finding, target, workload } = predicted;
  if (verdict === "unknown") return true;
  // The cluster may exempt the user, or a policy mend the pod: no label shows it.
  if (verdict === "blocked") return finding.code === "pod-security";
  if (verdict === "managed" || verdict === "excluded" || target === undefined) return false;
  const templates = workload.template?.annotations[INJECTION_TEMPLATES] ?? "";
  // Each template may bring the same container.
  return isEnforcing(namespace) || templates.includes(",");
}

/** PodSecurity refuses what `istio-init` may do, at each level but one. */
function isEnforcing(namespace: Namespace | undefined): boolean {
  const level = namespace?.labels["pod-security.kubernetes.io/enforce"];
  return level !== undefined && level !== "privileged";
}
