import type { TestCluster } from "../support/test-cluster.ts";
import { createPodWebhook } from "./pod-webhook.ts";
import type { Sandbox } from "./sandbox.ts";

/**
 * Creates a webhook whose Service does not exist, so that the API server rejects every pod of the
 * namespace. Returns a function that deletes the webhook.
 */
export function rejectPods(cluster: TestCluster, sandbox: Sandbox): Promise<() => Promise<void>> {
  const service = { namespace: sandbox.name, name: "gone", path: "/check" };
  return createPodWebhook(cluster, sandbox, {
    prefix: "gone",
    name: "policy.example.com",
    clientConfig: { service },
  });
}
