import { setTimeout as sleep } from "node:timers/promises";
import type { RealCluster } from "../testbed/real-cluster.ts";
import { type Rewrite, REWRITES } from "./world.ts";

/** The label of a namespace that selects the policy for its pods. */
export const REWRITE_LABEL = "oracle.test/rewrite";

const MIRROR = "mirror.test";
const DIGEST = `sha256:${"4f".repeat(32)}`;

/** The image after a policy; the same image without one. */
export function rewritten(image: string, rewrite: Rewrite | undefined): string {
  const slash = image.indexOf("/");
  if (slash < 0) return image;
  switch (rewrite) {
    case "registry":
      return image.startsWith(`${MIRROR}/`) ? image : `${MIRROR}${image.slice(slash)}`;
    case "digest":
      return image.includes("@") ? image : `${image}@${DIGEST}`;
    case undefined:
      return image;
  }
}

/** The same rules in the expressions of a policy, where `c` is a container. */
const EXPRESSIONS: Readonly<Record<Rewrite, string>> = {
  registry: `c.image.contains("/") && !c.image.startsWith("${MIRROR}/") ? "${MIRROR}" + c.image.substring(c.image.indexOf("/")) : c.image`,
  digest: `c.image.contains("/") && !c.image.contains("@") ? c.image + "@${DIGEST}" : c.image`,
};

const GROUP = "/apis/admissionregistration.k8s.io/v1";

/**
 * Creates the policies, which change the images of sidecars after injection in the namespaces with
 * the label of the policy, and waits until they work.
 */
export async function createImagePolicies(cluster: RealCluster): Promise<void> {
  for (const rewrite of REWRITES) {
    const name = `oracle-${rewrite}`;
    const of = (list: string) =>
      `object.spec.${list}.filter(c, c.name == "istio-proxy").map(c, Object.spec.${list}{name: c.name, image: ${EXPRESSIONS[rewrite]}})`;
    const init = `has(object.spec.initContainers) ? ${of("initContainers")} : []`;
    const expression = `Object{spec: Object.spec{containers: ${of("containers")}, initContainers: ${init}}}`;
    await create(cluster, "mutatingadmissionpolicies", {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingAdmissionPolicy",
      metadata: { name },
      spec: {
        matchConstraints: {
          namespaceSelector: { matchLabels: { [REWRITE_LABEL]: rewrite } },
          resourceRules: [
            { operations: ["CREATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] },
          ],
        },
        failurePolicy: "Fail",
        reinvocationPolicy: "IfNeeded",
        mutations: [{ patchType: "ApplyConfiguration", applyConfiguration: { expression } }],
      },
    });
    await create(cluster, "mutatingadmissionpolicybindings", {
      apiVersion: "admissionregistration.k8s.io/v1",
      kind: "MutatingAdmissionPolicyBinding",
      metadata: { name },
      spec: { policyName: name },
    });
    await waitForPolicy(cluster, rewrite);
  }
}

async function create(cluster: RealCluster, resource: string, body: unknown): Promise<void> {
  const { status, body: answer } = await cluster.request("POST", `${GROUP}/${resource}`, { body });
  if (status !== 201 && status !== 409) throw new Error(`${resource}: ${answer.message ?? answer}`);
}

/** Waits until the policy changes a pod, which no injector selects. */
async function waitForPolicy(cluster: RealCluster, rewrite: Rewrite): Promise<void> {
  const namespace = `oracle-policy-${rewrite}`;
  const body = {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespace, labels: { [REWRITE_LABEL]: rewrite } },
  };
  await cluster.request("POST", "/api/v1/namespaces", { body });
  const image = "registry.test/proxy:1";
  const probe = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "probe" },
    spec: {
      containers: [{ name: "istio-proxy", image }],
      initContainers: [{ name: "other", image }],
    },
  };
  const deadline = Date.now() + 30_000;
  for (;;) {
    const path = `/api/v1/namespaces/${namespace}/pods?dryRun=All`;
    const answer = await cluster.request("POST", path, { body: probe });
    if (answer.body.spec?.containers?.[0].image === rewritten(image, rewrite)) break;
    if (Date.now() > deadline) throw new Error(`the policy ${rewrite}: ${answer.body.message}`);
    await sleep(100);
  }
  await cluster.request("DELETE", `/api/v1/namespaces/${namespace}`);
}
