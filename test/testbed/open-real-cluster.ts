import { inject } from "vitest";
import type { Answer } from "../support/test-cluster.ts";
import { deleteLeftObjects } from "./left-objects.ts";
import { connectRealCluster, type RealCluster } from "./real-cluster.ts";

/**
 * Opens this worker's own real cluster, for tests that the embedded cluster cannot run. `stop`
 * removes all revisions and tags, and deletes the namespaces that have the label of one and the objects
 * without a namespace, so that no test file finds those of another.
 */
export function openRealCluster(): RealCluster {
  // Worker numbers start at one.
  const address = inject("clusters")?.[Number(process.env["VITEST_POOL_ID"]) - 1];
  if (address === undefined) throw new Error("this worker has no real cluster");
  const cluster = connectRealCluster(address);
  return {
    ...cluster,
    async stop() {
      await cluster.removeControlPlanes();
      await deleteLabelledNamespaces(cluster);
      await deleteLeftObjects(cluster);
      await cluster.stop();
    },
  };
}

async function deleteLabelledNamespaces(cluster: RealCluster): Promise<void> {
  const { body } = await cluster.request("GET", "/api/v1/namespaces?labelSelector=istio.io%2Frev");
  const names = body.items.map(({ metadata }: Answer["body"]) => metadata.name as string);
  await Promise.all(
    names.map((name: string) => cluster.request("DELETE", `/api/v1/namespaces/${name}`)),
  );
}

/** True if this test run has real clusters. */
export function hasRealCluster(): boolean {
  return inject("clusters") !== undefined;
}
