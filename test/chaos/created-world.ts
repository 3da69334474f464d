import { setTimeout as sleep } from "node:timers/promises";
import { namespace } from "../support/manifests.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { type CreatedWorkload, createWorkload, namespacesOf, post } from "./created-workload.ts";
import { observeWorkloads } from "./observed-workload.ts";
import { REVISIONS, type RevisionName, TAG, type World } from "./world.ts";

/** A control plane with two revisions and a tag, whose images move from world to world. */
export interface ControlPlane {
  /** Gives a revision an image that no pod has. */
  moveImage(revision: RevisionName): Promise<void>;
}

export async function openControlPlane(cluster: TestCluster): Promise<ControlPlane> {
  let patch = 0;
  const nextImage = (revision: RevisionName) => {
    patch += 1;
    return `mcr.microsoft.com/oss/v2/istio/proxyv2:v1.${revision.split("-").at(-1)}.${patch}-1`;
  };
  for (const name of REVISIONS) {
    await cluster.installRevision({ name, image: nextImage(name), native: name === REVISIONS[1] });
  }
  await cluster.installArgoRollouts();
  return { moveImage: (revision) => cluster.moveImage(revision, nextImage(revision)) };
}

let worlds = 0;

/** Creates the workloads of a world, waits for their pods, and moves the images of all revisions. */
export async function createWorld(
  cluster: TestCluster,
  controlPlane: ControlPlane,
  world: World,
): Promise<readonly CreatedWorkload[]> {
  worlds += 1;
  const run = `chaos-${Date.now().toString(36)}-${worlds}`;
  await cluster.setTag(TAG, REVISIONS[0]);
  const created = await Promise.all(
    world.namespaces.map(async ({ label, workloads }, number) => {
      const name = `${run}-${number}`;
      await post(cluster, "/api/v1/namespaces", namespace(name, { "istio.io/rev": label }));
      await untilUsable(cluster, name);
      const all = workloads.map((spec, index) => ({ namespace: name, name: `w${index}`, spec }));
      await Promise.all(all.map((one) => createWorkload(cluster, one)));
      return all;
    }),
  );
  const all = created.flat();
  await untilReady(cluster, all);
  for (const revision of REVISIONS) await controlPlane.moveImage(revision);
  return all;
}

export async function removeWorld(
  cluster: TestCluster,
  workloads: readonly CreatedWorkload[],
): Promise<void> {
  for (const name of namespacesOf(workloads)) {
    await cluster.request("DELETE", `/api/v1/namespaces/${name}`);
  }
}

/** The API server rejects pods until the default service account exists. */
async function untilUsable(cluster: TestCluster, name: string): Promise<void> {
  const probe = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "probe" },
    spec: { containers: [{ name: "app", image: "registry.test/app:1.0" }] },
  };
  await until(`pods in ${name}`, async () => {
    const path = `/api/v1/namespaces/${name}/pods?dryRun=All`;
    return (await cluster.request("POST", path, { body: probe })).status === 201;
  });
}

async function untilReady(
  cluster: TestCluster,
  workloads: readonly CreatedWorkload[],
): Promise<void> {
  await until("the pods of a world", async () => {
    const observed = await observeWorkloads(cluster, workloads);
    return observed.every(
      ({ pods, wanted }) =>
        pods.length === wanted && pods.every(({ ready, image }) => ready && image !== undefined),
    );
  });
}

async function until(what: string, check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await check())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within 120 s`);
    await sleep(100);
  }
}
