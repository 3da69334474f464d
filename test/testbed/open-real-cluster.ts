import { inject } from "vitest";
import { connectRealCluster, type RealCluster } from "./real-cluster.ts";

/**
 * Opens this worker's own real cluster, for tests that the embedded cluster cannot run. `stop`
 * removes all revisions and tags, so that no test file finds those of another.
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
      await cluster.stop();
    },
  };
}

/** True if this test run has real clusters. */
export function hasRealCluster(): boolean {
  return inject("clusters") !== undefined;
}
