import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { tmpdir } from "node:os";
import type { TestProject } from "vitest/node";
import { startRealCluster } from "../testbed/real-cluster.ts";
import { startNode, type NodeSettings } from "./node.ts";
import { startStandIn } from "./stand-in.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The URL of the server of `stand-in.ts`. */
    readonly standIn: string;
  }
}

/** Starts a real cluster with a real node, for the whole run. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const settings = process.env["TEST_NODE"];
  if (settings === undefined) throw new Error("Run these tests with `npm run test:kubelet`.");
  const node = JSON.parse(settings) as NodeSettings;
  const cluster = await startRealCluster();
  try {
    const folder = join(tmpdir(), "node");
    await mkdir(folder);
    const standIn = await startStandIn(folder, join(node.packages, "bin/busybox"));
    const stopNode = await startNode(folder, node, cluster, standIn.url);
    // All workers share the cluster, because a machine can have only one such node.
    project.provide("clusters", Array(project.config.maxWorkers).fill(cluster.address));
    project.provide("standIn", standIn.url);
    return async () => {
      await stopNode();
      standIn.close();
      await cluster.stop();
    };
  } catch (error) {
    await cluster.stop();
    throw error;
  }
}
