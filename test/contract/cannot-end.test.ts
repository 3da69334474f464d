import { expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, run, type Sandbox, test } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const REVISION = "asm-1-98";
const IMAGE = proxyImage("v1.98.7-1");

const HELD = ["test.istio-upgrade/held"];

async function setFinalizers(
  cluster: TestCluster,
  sandbox: Sandbox,
  name: string,
  finalizers: readonly string[],
): Promise<void> {
  const { status } = await cluster.request("PATCH", sandbox.path("pods", name), {
    body: { metadata: { finalizers } },
    contentType: "application/merge-patch+json",
  });
  expect(status).toBe(200);
}

/** Deletes one pod of each workload, which then cannot end, and returns their names. */
async function deleteHeldPods(cluster: TestCluster, sandbox: Sandbox): Promise<readonly string[]> {
  const held: string[] = [];
  for (const app of ["agent", "db", "web"]) {
    const pod = (await sandbox.pods()).find(({ metadata }) => metadata.labels.app === app);
    const { name } = pod.metadata;
    await setFinalizers(cluster, sandbox, name, HELD);
    await cluster.request("DELETE", sandbox.path("pods", name));
    held.push(name);
  }
  return held;
}

test("verify exits 4 while a pod of a DaemonSet or StatefulSet cannot end", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: IMAGE });
  const sandbox = await enter({ "istio.io/rev": REVISION });
  await sandbox.create("daemonsets", daemonSet("agent"));
  await sandbox.create("statefulsets", statefulSet("db", { replicas: 2 }));
  await sandbox.create("deployments", deployment("web", { replicas: 2 }));
  const verify = () => run(cluster, "verify", "-n", sandbox.name, "--json");
  await eventually(async () => expect((await verify()).status).toBe(0));

  const held = await deleteHeldPods(cluster, sandbox);
  // The Deployment creates another pod at once.
  let document = parseReport("VerifyReport", (await verify()).stdout);
  await eventually(async () => {
    const ran = await verify();
    document = parseReport("VerifyReport", ran.stdout);
    expect([ran.status, document.exitReasons]).toEqual([4, ["not-ready:2"]]);
  });
  const short = document.workloads
    .filter(({ running, wanted }) => (running[0]?.ready ?? 0) < (wanted ?? 0))
    .map(({ name }) => name);
  expect(short).toEqual(["agent", "db"]);
  const printed = await run(cluster, "verify", "-n", sandbox.name);
  expect(printed.stdout).toContain("NOT READY: 2 workloads");
  expect(printed.stdout).not.toContain("all on target and ready");

  for (const name of held) await setFinalizers(cluster, sandbox, name, []);
  await eventually(async () => expect((await verify()).status).toBe(0));
});
