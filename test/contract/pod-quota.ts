import { expect } from "vitest";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, type Sandbox } from "./sandbox.ts";

/**
 * Creates a quota of `count` pods, the number that the namespace already has. Waits until the quota
 * counts them.
 */
export async function limitPods(
  cluster: TestCluster,
  sandbox: Sandbox,
  count: number,
): Promise<void> {
  const pods = String(count);
  await sandbox.create("resourcequotas", {
    apiVersion: "v1",
    kind: "ResourceQuota",
    metadata: { name: "small" },
    spec: { hard: { pods } },
  });
  await eventually(async () => {
    const { body } = await cluster.request("GET", sandbox.path("resourcequotas"));
    expect(body.items[0].status).toEqual({ hard: { pods }, used: { pods } });
  });
}
