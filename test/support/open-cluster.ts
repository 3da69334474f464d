import { inject } from "vitest";
import { startEmbeddedCluster } from "./embedded/cluster.ts";
import type { TestCluster } from "./test-cluster.ts";

/** The cluster that this run of the tests is about: the real one where it was started for them. */
export async function openCluster(): Promise<TestCluster> {
  const provided = inject("cluster");
  if (provided === undefined) return startEmbeddedCluster();
  const { connectRealCluster } = await import("../testbed/global-setup.ts");
  return connectRealCluster(provided);
}
