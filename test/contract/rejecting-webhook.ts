import { expect } from "vitest";
import type { TestCluster } from "../support/test-cluster.ts";
import type { Sandbox } from "./sandbox.ts";

/**
 * Creates a webhook whose Service does not exist, so that the API server rejects every pod of the
 * namespace. Returns a function that deletes the webhook.
 */
export async function rejectPods(
  cluster: TestCluster,
  { name }: Sandbox,
): Promise<() => Promise<void>> {
  const path = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
  const configuration = `gone-${name}`;
  const body = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: configuration },
    webhooks: [
      {
        name: "policy.example.com",
        clientConfig: { service: { namespace: name, name: "gone", path: "/check" } },
        rules: [
          { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] },
        ],
        failurePolicy: "Fail",
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": name } },
      },
    ],
  };
  expect((await cluster.request("POST", path, { body })).status).toBe(201);
  return async () => void (await cluster.request("DELETE", `${path}/${configuration}`));
}
