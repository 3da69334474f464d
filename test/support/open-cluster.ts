import { hasRealCluster, openRealCluster } from "../testbed/open-real-cluster.ts";
import { startEmbeddedCluster } from "./embedded/cluster.ts";
import type { TestCluster } from "./test-cluster.ts";

/**
 * Opens the cluster of this test run: the real one if `npm run test:cluster` started it, otherwise
 * an embedded one.
 */
export async function openCluster(): Promise<TestCluster> {
  return hasRealCluster() ? openRealCluster() : startEmbeddedCluster();
}
