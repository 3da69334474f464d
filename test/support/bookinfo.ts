import { proxyImage } from "./build/pod-group.ts";
import { deployment } from "./manifests.ts";
import type { TestCluster } from "./test-cluster.ts";

const REVISION = "asm-1-27";
const WORKLOADS = [
  "details-v1",
  "productpage-v1",
  "ratings-v1",
  "reviews-v1",
  "reviews-v2",
  "reviews-v3",
];

/**
 * Installs Bookinfo as in the AKS walkthrough: an outdated sidecar runs in the namespace `default`, and
 * the injector's ConfigMap already names a newer image.
 */
export async function installBookinfo(cluster: TestCluster): Promise<void> {
  await cluster.installRevision({ name: REVISION, image: proxyImage("v1.27.7-1") });
  await cluster.request("PATCH", "/api/v1/namespaces/default", {
    body: { metadata: { labels: { "istio.io/rev": REVISION } } },
    contentType: "application/merge-patch+json",
  });
  const readinessProbe = { httpGet: { path: "/health", port: 9080 } };
  const podSpec = {
    containers: [{ name: "app", image: "bookinfo.test/app:1.20", readinessProbe }],
  };
  const annotations = { "test.istio-upgrade/ready-after": "300ms" };
  for (const name of WORKLOADS) {
    const body = deployment(name, { annotations, podSpec });
    await cluster.request("POST", "/apis/apps/v1/namespaces/default/deployments", { body });
  }
  while ((await availableWorkloads(cluster)) < WORKLOADS.length) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await cluster.moveImage(REVISION, proxyImage("v1.27.9-6"));
}

async function availableWorkloads(cluster: TestCluster): Promise<number> {
  const { body } = await cluster.request("GET", "/apis/apps/v1/namespaces/default/deployments");
  const items: readonly { readonly status?: { readonly availableReplicas?: number } }[] =
    body.items;
  return items.filter(({ status }) => status?.availableReplicas === 1).length;
}

/** The commands of the walkthrough, each with its exit code. */
export const WALKTHROUGH: readonly (readonly [args: readonly string[], status: number])[] = [
  [["check"], 2],
  [["restart", "--namespace", "default", "--yes"], 0],
  [["verify", "--namespace", "default"], 0],
  [["check"], 0],
];
