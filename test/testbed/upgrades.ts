import { expect } from "vitest";
import { eventually, type Sandbox } from "../contract/sandbox.ts";
import type { Manifest } from "../support/manifests.ts";
import type { RealCluster } from "./real-cluster.ts";

export interface TestWorkload {
  readonly resource: string;
  readonly manifest: Manifest;
}

const image = (patch: number) => `mcr.microsoft.com/oss/v2/istio/proxyv2:v1.63.${patch}-1`;

/** Installs a revision for one test, whose image can be upgraded repeatedly. */
export async function createUpgrades(cluster: RealCluster, revision: string) {
  let patch = 1;
  await cluster.installRevision({ name: revision, image: image(patch) });
  return {
    /** Moves the image as Azure does, so that every pod of the revision is outdated. */
    next: async () => {
      patch += 1;
      await cluster.moveImage(revision, image(patch));
    },
  };
}

/** Creates all workloads and waits until all their pods are ready. */
export async function createAll(
  sandbox: Sandbox,
  workloads: readonly TestWorkload[],
): Promise<void> {
  for (const { resource, manifest } of workloads) await sandbox.create(resource, manifest);
  await eventually(async () => {
    for (const { resource, manifest } of workloads) {
      const { name } = manifest["metadata"] as { name: string };
      const { spec, status } = await sandbox.get(resource, name);
      const wanted = resource === "daemonsets" ? status.desiredNumberScheduled : spec.replicas;
      const ready = resource === "daemonsets" ? status.numberReady : status.readyReplicas;
      expect([name, ready > 0, ready]).toEqual([name, true, wanted]);
    }
  });
}

/** Returns the generation of each workload. Every change of a pod template increments it. */
export async function generations(
  sandbox: Sandbox,
  workloads: readonly TestWorkload[],
): Promise<Readonly<Record<string, number>>> {
  const entries = await Promise.all(
    workloads.map(async ({ resource, manifest }) => {
      const { name } = manifest["metadata"] as { name: string };
      return [name, (await sandbox.get(resource, name)).metadata.generation as number] as const;
    }),
  );
  return Object.fromEntries(entries);
}
