import type { TestProject } from "vitest/node";
import type { BedAddress } from "./address.ts";
import { type RealCluster, startRealCluster } from "./real-cluster.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The real clusters of this test run, one per worker; undefined if the run has none. */
    readonly clusters: readonly BedAddress[] | undefined;
  }
}

/** Starts a real cluster for each worker of the project, for the whole run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const clusters: RealCluster[] = [];
  const stop = async () => {
    await Promise.all(clusters.map((cluster) => cluster.stop()));
  };
  try {
    // The clusters start one after the other, because each takes ports that are free at that
    // moment.
    while (clusters.length < project.config.maxWorkers) clusters.push(await startRealCluster());
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide(
    "clusters",
    clusters.map(({ address }) => address),
  );
  return stop;
}
