import { inject } from "vitest";
import { connectRealCluster, type RealCluster } from "./real-cluster.ts";

/** This worker's own real cluster, for tests of what only it can do. */
export function openRealCluster(): RealCluster {
  const address = addressHere();
  if (address === undefined) throw new Error("this test needs the real control plane");
  return connectRealCluster(address);
}

/** Whether this run of the tests has real clusters. */
export function hasRealCluster(): boolean {
  return addressHere() !== undefined;
}

/** Workers count from one. */
function addressHere() {
  return inject("clusters")?.[Number(process.env["VITEST_POOL_ID"]) - 1];
}
