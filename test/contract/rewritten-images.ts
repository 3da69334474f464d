import { expect } from "vitest";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, type Sandbox } from "./sandbox.ts";

const MIRROR = "mirror.example.com";

/** The image after the policy of `mirrorImages`. */
export function mirrored(image: string): string {
  return `${MIRROR}/${image.slice(image.indexOf("/") + 1)}`;
}

const GROUP = "/apis/admissionregistration.k8s.io/v1";
const IMAGE = `c.image.startsWith("${MIRROR}/") ? c.image : "${MIRROR}/" + c.image.substring(c.image.indexOf("/") + 1)`;
const MUTATION = `Object{spec: Object.spec{containers: object.spec.containers.filter(c, c.name == "istio-proxy").map(c, Object.spec.containers{name: c.name, image: ${IMAGE}})}}`;

/**
 * Creates a policy that moves the image of every sidecar in the namespace to another registry, after
 * injection. Returns a function that deletes the policy.
 */
export async function mirrorImages(
  cluster: TestCluster,
  sandbox: Sandbox,
): Promise<() => Promise<void>> {
  const name = `mirror-${sandbox.name}`;
  const namespaceSelector = { matchLabels: { "kubernetes.io/metadata.name": sandbox.name } };
  const policy = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingAdmissionPolicy",
    // The embedded cluster reads the annotation, because it does not evaluate expressions.
    metadata: { name, annotations: { "test.istio-upgrade/registry": MIRROR } },
    spec: {
      matchConstraints: {
        namespaceSelector,
        resourceRules: [
          { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] },
        ],
      },
      failurePolicy: "Fail",
      reinvocationPolicy: "IfNeeded",
      mutations: [
        { patchType: "ApplyConfiguration", applyConfiguration: { expression: MUTATION } },
      ],
    },
  };
  const binding = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "MutatingAdmissionPolicyBinding",
    metadata: { name },
    spec: { policyName: name },
  };
  const paths = [
    `${GROUP}/mutatingadmissionpolicies`,
    `${GROUP}/mutatingadmissionpolicybindings`,
  ] as const;
  expect(await cluster.request("POST", paths[0], { body: policy })).toMatchObject({ status: 201 });
  expect(await cluster.request("POST", paths[1], { body: binding })).toMatchObject({ status: 201 });
  // The API server takes a moment to load the policy.
  const probe = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { generateName: "probe-" },
    spec: { containers: [{ name: "istio-proxy", image: "a.example.com/b:1" }] },
  };
  await eventually(async () => {
    const path = `${sandbox.path("pods")}?dryRun=All`;
    const { body } = await cluster.request("POST", path, { body: probe });
    expect(JSON.stringify(body)).toContain(MIRROR);
  });
  return async () => {
    for (const path of paths) await cluster.request("DELETE", `${path}/${name}`);
  };
}
