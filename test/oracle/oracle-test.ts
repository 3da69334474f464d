import { test as base } from "vitest";
import { openRealCluster } from "../testbed/open-real-cluster.ts";
import type { RealCluster } from "../testbed/real-cluster.ts";
import { type InstalledControlPlane, openControlPlane } from "./installed-control-plane.ts";

interface Fixtures {
  readonly cluster: RealCluster;
  /** The control plane of all worlds in a file. */
  readonly controlPlane: InstalledControlPlane;
}

export const test = base.extend<Fixtures>({
  cluster: [
    // oxlint-disable-next-line no-empty-pattern -- vitest reads the fixture names from the pattern
    async ({}, use) => {
      const cluster = openRealCluster();
      await use(cluster);
      await cluster.stop();
    },
    { scope: "file" },
  ],
  controlPlane: [
    async ({ cluster }, use) => {
      const controlPlane = await openControlPlane(cluster);
      await use(controlPlane);
      await controlPlane.clear();
    },
    { scope: "file" },
  ],
});
