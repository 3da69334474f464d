import { expect } from "vitest";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, type Sandbox } from "./sandbox.ts";

const GROUP = "/apis/admissionregistration.k8s.io/v1";

/** The message of the policy. */
export const POLICY = "restarts need a change ticket";

/**
 * Creates a policy that rejects every change to a Deployment of the namespace, and waits until it
 * rejects a change to `name`. Returns a function that deletes the policy.
 */
export async function rejectChanges(
  cluster: TestCluster,
  sandbox: Sandbox,
  name: string,
): Promise<() => Promise<void>> {
  const policyName = `reject-${sandbox.name}`;
  const policy = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicy",
    metadata: { name: policyName },
    spec: {
      matchConstraints: {
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": sandbox.name } },
        resourceRules: [
          {
            operations: ["UPDATE"],
            apiGroups: ["apps"],
            apiVersions: ["v1"],
            resources: ["deployments"],
          },
        ],
      },
      failurePolicy: "Fail",
      validations: [{ expression: "object.spec == oldObject.spec", message: POLICY }],
    },
  };
  const binding = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingAdmissionPolicyBinding",
    metadata: { name: policyName },
    spec: { policyName, validationActions: ["Deny"] },
  };
  const paths = [
    `${GROUP}/validatingadmissionpolicies`,
    `${GROUP}/validatingadmissionpolicybindings`,
  ] as const;
  expect(await cluster.request("POST", paths[0], { body: policy })).toMatchObject({ status: 201 });
  expect(await cluster.request("POST", paths[1], { body: binding })).toMatchObject({ status: 201 });
  // The API server takes a moment to load the policy.
  await eventually(async () => {
    const path = `${sandbox.path("deployments", name)}?dryRun=All`;
    const sent = { body: { spec: { minReadySeconds: 1 } }, contentType: MERGE };
    expect((await cluster.request("PATCH", path, sent)).status).toBe(422);
  });
  return async () => {
    for (const path of paths) await cluster.request("DELETE", `${path}/${policyName}`);
  };
}

const MERGE = "application/merge-patch+json";
