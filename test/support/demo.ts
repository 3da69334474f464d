import { startEmbeddedCluster } from "./embedded/cluster.ts";
import { deployment } from "./manifests.ts";
import type { TestCluster } from "./test-cluster.ts";
import { runVisibly } from "./run-program.ts";

/**
 * The main job, to look at: Azure's own walkthrough on the embedded cluster. Bookinfo runs an old
 * sidecar, the injector's ConfigMap already names a newer image.
 */
const REVISION = "asm-1-17";
const image = (version: string) => `mcr.microsoft.com/oss/istio/proxyv2:${version}-distroless`;
const BOOKINFO = [
  "details-v1",
  "productpage-v1",
  "ratings-v1",
  "reviews-v1",
  "reviews-v2",
  "reviews-v3",
];

const WALKTHROUGH: readonly (readonly [args: readonly string[], status: number])[] = [
  [["check"], 2],
  [["restart", "--namespace", "default", "--yes"], 0],
  [["verify", "--namespace", "default"], 0],
  [["check"], 0],
];

async function prepare(cluster: TestCluster): Promise<void> {
  const post = (path: string, body: unknown) => cluster.request("POST", path, { body });
  await cluster.installRevision({ name: REVISION, image: image("1.17.1") });
  await cluster.request("PATCH", "/api/v1/namespaces/default", {
    body: { metadata: { labels: { "istio.io/rev": REVISION } } },
    contentType: "application/merge-patch+json",
  });
  const readinessProbe = { httpGet: { path: "/health", port: 9080 } };
  const podSpec = {
    containers: [{ name: "app", image: "bookinfo.test/app:1.20", readinessProbe }],
  };
  for (const name of BOOKINFO) {
    const annotations = { "test.istio-upgrade/ready-after": "300ms" };
    await post(
      "/apis/apps/v1/namespaces/default/deployments",
      deployment(name, { annotations, podSpec }),
    );
  }
  const running = async () => {
    const { body } = await cluster.request("GET", "/api/v1/namespaces/default/pods");
    return body.items.filter(
      (pod: { status: { phase?: string } }) => pod.status.phase === "Running",
    );
  };
  while ((await running()).length < BOOKINFO.length) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await cluster.moveImage(REVISION, image("1.17.2"));
}

async function main(): Promise<void> {
  const cluster = await startEmbeddedCluster();
  try {
    await prepare(cluster);
    for (const [args, expected] of WALKTHROUGH) {
      process.stdout.write(`\n$ istio-upgrade ${args.join(" ")}\n`);
      const status = await runVisibly(args, { KUBECONFIG: cluster.kubeconfig });
      process.stdout.write(`(exit code ${status})\n`);
      if (status !== expected) throw new Error(`expected exit code ${expected}`);
    }
  } finally {
    await cluster.stop();
  }
}

await main();
