import type { TestProject } from "vitest/node";
import type { BedAddress } from "./address.ts";
import { startRealCluster } from "./real-cluster.ts";

export { connectRealCluster, type RealCluster } from "./real-cluster.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The real cluster of this test run; undefined where the run has none. */
    readonly cluster: BedAddress | undefined;
  }
}

/** One real cluster for a whole run of the project: `connectRealCluster(inject("cluster"))`. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const cluster = await startRealCluster();
  project.provide("cluster", cluster.address);
  return () => cluster.stop();
}
