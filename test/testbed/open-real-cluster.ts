import { inject } from "vitest";
import { connectRealCluster, type RealCluster } from "./real-cluster.ts";

/** This worker's own real cluster, for tests of what only it can do. */
export function openRealCluster(): RealCluster {
  // Workers count from one.
  const address = inject("clusters")?.[Number(process.env["VITEST_POOL_ID"]) - 1];
  if (address === undefined) throw new Error("this worker has no real control plane");
  return connectRealCluster(address);
}

/** Whether this run of the tests has real clusters. */
export function hasRealCluster(): boolean {
  return inject("clusters") !== undefined;
}
