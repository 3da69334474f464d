import type { Drift } from "../../../src/mesh/drift.ts";

/** Other resources of the sidecar. */
export const PROXY_CPU: Drift = {
  path: "spec.containers[istio-proxy].resources.requests.cpu",
  what: "proxy-resources",
  from: "100m",
  to: "250m",
};

/** Returns the drift of other resources of a container of the application. */
export function appCpu(container: string): Drift {
  return {
    path: `spec.containers[${container}].resources.requests.cpu`,
    what: "application",
    from: null,
    to: null,
  };
}
