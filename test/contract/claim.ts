import { expect } from "vitest";
import type { TestCluster } from "../support/test-cluster.ts";
import type { Sandbox } from "./sandbox.ts";

/** Creates a claim with a volume for it. Pods of the embedded cluster need no volume. */
export async function createClaim(
  cluster: TestCluster,
  sandbox: Sandbox,
  name: string,
  mode: string,
): Promise<void> {
  const volume = `${sandbox.name}-${name}`;
  const capacity = { storage: "1Gi" };
  const shared = { accessModes: [mode], storageClassName: "" };
  if (cluster.kind === "real") {
    const body = {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name: volume },
      spec: { ...shared, capacity, hostPath: { path: "/tmp" } },
    };
    const { status } = await cluster.request("POST", "/api/v1/persistentvolumes", { body });
    expect(status).toBe(201);
  }
  await sandbox.create("persistentvolumeclaims", {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name },
    spec: { ...shared, volumeName: volume, resources: { requests: capacity } },
  });
}

/** Returns the part of a pod's spec that mounts a claim. */
export function mounting(claimName: string) {
  return { volumes: [{ name: "data", persistentVolumeClaim: { claimName } }] };
}
