import type { PodGroup, Workload } from "../snapshot.ts";
import { parseImage } from "./image.ts";
import type { Finding } from "./findings.ts";
import { hasSidecar } from "./running-pods.ts";
import { INJECT, MANAGED_GATEWAY } from "../istio-labels.ts";

/**
 * Explains why a workload is managed, that is, why another controller keeps its proxy current.
 * Managed workloads are the gateways of AKS, the gateways and waypoints that istiod renders, and
 * ztunnel.
 *
 * @returns `undefined` if the workload is not managed.
 */
export function managedFinding(
  { namespace, labels, template }: Workload,
  pods: readonly PodGroup[],
): Finding | undefined {
  if (template?.proxy === undefined && !pods.some(hasSidecar)) return undefined;
  const all = { ...labels, ...template?.labels };
  if (isZtunnel(template?.proxy)) {
    return finding("ztunnel", "it is ztunnel, the node proxy of ambient mode");
  }
  if (
    all[MANAGED_GATEWAY] !== undefined ||
    (all["gateway.networking.k8s.io/gateway-name"] !== undefined && all[INJECT] === "false")
  ) {
    return finding("gateway-api", "istiod renders it from a Gateway, and updates it by itself");
  }
  if (
    namespace.startsWith("aks-istio-") ||
    all["azureservicemesh/istio.component"] !== undefined ||
    all["kubernetes.azure.com/managedby"] === "aks"
  ) {
    return finding("aks-gateway", "AKS owns it, and restarts it by itself");
  }
  return undefined;
}

function isZtunnel(proxy: NonNullable<Workload["template"]>["proxy"]): boolean {
  if (proxy === undefined) return false;
  return (
    (proxy.args[0] === "proxy" && proxy.args[1] === "ztunnel") ||
    parseImage(proxy.image).repository.endsWith("/ztunnel")
  );
}

function finding(code: string, reason: string): Finding {
  return { code, reason, nextStep: "" };
}
