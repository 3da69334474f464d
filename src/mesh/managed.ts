import { leavesImageOpen, type PodGroup, type Workload } from "../snapshot.ts";
import { AKS_MANAGED, INJECT, MANAGED_GATEWAY, REVISION } from "../istio-labels.ts";
import { parseImage } from "./image.ts";
import type { Finding } from "./findings.ts";
import { hasSidecar } from "./running-pods.ts";

/**
 * Explains why a workload is managed, that is, why another controller keeps its proxy current.
 * Managed workloads are the gateways of AKS, the gateways and waypoints that istiod renders, and
 * ztunnel. Their own labels decide, never the name of their namespace: users deploy workloads of
 * their own to the namespaces of AKS.
 *
 * @returns `undefined` if the workload is not managed.
 */
export function managedFinding(workload: Workload, pods: readonly PodGroup[]): Finding | undefined {
  const { template } = workload;
  if (template?.proxy === undefined && !pods.some(hasSidecar)) return undefined;
  if (isZtunnel(template?.proxy)) {
    return finding("ztunnel", "ztunnel, the node proxy of ambient mode");
  }
  if (isRenderedGateway(workload)) {
    return finding("gateway-api", "istiod creates and updates this workload from a Gateway");
  }
  if (isAksGateway(workload)) {
    return finding("aks-gateway", "managed and restarted by AKS");
  }
  return undefined;
}

/**
 * True for a gateway or waypoint that istiod renders from a Gateway. Its template names the image of
 * the proxy, and it opts out of injection. A webhook that injects pods of a template with the same
 * labels shows that the template is a user's.
 * Source: Istio `manifests/charts/istio-control/istio-discovery/files/kube-gateway.yaml` and
 * `waypoint.yaml`.
 */
export function isRenderedGateway({ labels, template, pods }: Workload): boolean {
  if (template?.proxy === undefined || leavesImageOpen(template.proxy)) return false;
  const all = { ...labels, ...template.labels };
  const marked = all[MANAGED_GATEWAY] !== undefined;
  if (all[INJECT] === "false") return marked || all[GATEWAY_NAME] !== undefined;
  const injected = pods.some(({ revision }) => revision !== undefined);
  return marked && !(injected && template.annotations[REVISION] === undefined);
}

/** The label of a rendered gateway that names its Gateway. */
export const GATEWAY_NAME = "gateway.networking.k8s.io/gateway-name";

/** Returns the name of the Gateway that a workload is rendered from; empty if no label names it. */
export function gatewayName({ labels, template }: Workload): string {
  return template?.labels[GATEWAY_NAME] ?? labels[GATEWAY_NAME] ?? "";
}

/** AKS owns gateways only: a sidecar beside an application belongs to a user. */
function isAksGateway({ labels, template }: Workload): boolean {
  const all = { ...labels, ...template?.labels };
  return (
    template?.proxy !== undefined &&
    (all["azureservicemesh/istio.component"] !== undefined || all[AKS_MANAGED] === "aks")
  );
}

type OwnProxy = NonNullable<NonNullable<Workload["template"]>["proxy"]>;

function isZtunnel(proxy: OwnProxy | undefined): boolean {
  if (proxy === undefined) return false;
  return (
    (proxy.args[0] === "proxy" && proxy.args[1] === "ztunnel") ||
    parseImage(proxy.image).repository.endsWith("/ztunnel")
  );
}

function finding(code: string, reason: string): Finding {
  return { code, reason, nextStep: "" };
}
