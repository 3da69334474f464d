import { inject } from "vitest";
import { connectRealCluster, type RealCluster } from "./real-cluster.ts";

/** The real cluster of this run, for tests of what only it can do. */
export function openRealCluster(): RealCluster {
  const address = inject("cluster");
  if (address === undefined) throw new Error("this test needs the real control plane");
  return connectRealCluster(address);
}
