import type { Workload } from "../snapshot.ts";
import { INJECTION_TEMPLATES, MANAGED_GATEWAY } from "../istio-labels.ts";

/** A proxy at the edge, not beside an app: injected by the gateway template, or rendered by istiod. */
export function isGateway({ labels, template }: Workload): boolean {
  const all = { ...labels, ...template?.labels };
  const templates = template?.annotations[INJECTION_TEMPLATES] ?? "";
  return (
    templates.split(",").some((name) => name.trim() === "gateway") ||
    template?.proxy?.args.includes("router") === true ||
    all["gateway.networking.k8s.io/gateway-name"] !== undefined ||
    all[MANAGED_GATEWAY] !== undefined
  );
}
