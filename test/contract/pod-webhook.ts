import { expect } from "vitest";
import type { TestCluster } from "../support/test-cluster.ts";
import type { Sandbox } from "./sandbox.ts";

const PATH = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

/**
 * Creates a webhook that is called for every pod of the namespace. Returns a function that deletes the
 * webhook.
 *
 * @param prefix the start of the name of its configuration. The API server calls webhooks in the order of
 *   these names.
 */
export async function createPodWebhook(
  cluster: TestCluster,
  { name: namespace }: Sandbox,
  {
    prefix,
    name,
    clientConfig,
  }: { readonly prefix: string; readonly name: string; readonly clientConfig: object },
): Promise<() => Promise<void>> {
  const configuration = `${prefix}-${namespace}`;
  const body = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingWebhookConfiguration",
    metadata: { name: configuration },
    webhooks: [
      {
        name,
        clientConfig,
        rules: [
          { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] },
        ],
        failurePolicy: "Fail",
        sideEffects: "None",
        admissionReviewVersions: ["v1"],
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
      },
    ],
  };
  expect((await cluster.request("POST", PATH, { body })).status).toBe(201);
  return async () => void (await cluster.request("DELETE", `${PATH}/${configuration}`));
}
