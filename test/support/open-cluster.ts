import { hasRealCluster, openRealCluster } from "../testbed/open-real-cluster.ts";
import { startEmbeddedCluster } from "./embedded/cluster.ts";
import type { TestCluster } from "./test-cluster.ts";

/** The cluster that this run of the tests is about: the real one where it was started for them. */
export async function openCluster(): Promise<TestCluster> {
  return hasRealCluster() ? openRealCluster() : startEmbeddedCluster();
}
