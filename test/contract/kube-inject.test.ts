import { expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { countNodes, eventually, run, type Sandbox, test } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const REVISION = "asm-1-96";
const [OLD, NEW] = [proxyImage("v1.96.7-1"), proxyImage("v1.96.9-6")];
const LABEL = { "istio.io/rev": REVISION };

/** A template as `istioctl kube-inject` writes it, without what decides nothing. */
function injectedByHand(revision: string) {
  const status = { initContainers: ["istio-init"], containers: ["istio-proxy"], revision };
  return {
    annotations: { "istio.io/rev": revision, "sidecar.istio.io/status": JSON.stringify(status) },
    podSpec: {
      containers: [
        { name: "app", image: "registry.test/app:1.0" },
        { name: "istio-proxy", image: OLD, args: ["proxy", "sidecar"] },
      ],
      initContainers: [{ name: "istio-init", image: OLD, args: ["istio-iptables"] }],
    },
  };
}

async function createByHand(
  cluster: TestCluster,
  sandbox: Sandbox,
  revision = REVISION,
): Promise<void> {
  await sandbox.create("deployments", deployment("web", injectedByHand(revision)));
  await sandbox.create("statefulsets", statefulSet("db", injectedByHand(revision)));
  await sandbox.create("daemonsets", daemonSet("agent", injectedByHand(revision)));
  const nodes = await countNodes(cluster);
  await eventually(async () => expect(await sandbox.pods()).toHaveLength(2 + nodes));
}

async function verdictsIn(cluster: TestCluster, { name }: Sandbox, ...flags: readonly string[]) {
  const ran = await run(cluster, "check", "-n", name, "--json", ...flags);
  const { workloads } = parseReport("CheckReport", ran.stdout);
  const found = workloads.map(({ verdict, code, target }) => [verdict, code, target?.image]);
  const distinct = new Set(found.map((one) => one.join(" ")));
  return [ran.status, workloads.length, ...distinct];
}

test("a webhook replaces a sidecar that was injected by hand: outdated, by a dry run", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter();
  await createByHand(cluster, sandbox);
  await sandbox.relabel(LABEL);
  await cluster.moveImage(REVISION, NEW);
  expect(await verdictsIn(cluster, sandbox)).toEqual([2, 3, `outdated image-differs ${NEW}`]);
  expect(await verdictsIn(cluster, sandbox, "--prove=never")).toEqual([
    6,
    3,
    "unknown injected-by-hand ",
  ]);
  const args = ["restart", "--yes", "--allow-downtime", "-n", sandbox.name];
  expect((await run(cluster, ...args)).status).toBe(0);
  expect(await verdictsIn(cluster, sandbox)).toEqual([0, 3, `current on-target ${NEW}`]);
});

test("without a webhook, a sidecar that was injected by hand stays, and is not lost", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter();
  await createByHand(cluster, sandbox);
  expect(await verdictsIn(cluster, sandbox)).toEqual([0, 3, `current on-target ${OLD}`]);
  await cluster.moveImage(REVISION, NEW);
  expect(await verdictsIn(cluster, sandbox)).toEqual([0, 3, `pinned pinned-by-kube-inject ${OLD}`]);
  const unproved = await verdictsIn(cluster, sandbox, "--prove=never");
  expect(unproved).toEqual([6, 3, "unknown injected-by-hand "]);
});

test("a sidecar that was injected by hand is blocked once its revision is gone", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter();
  await createByHand(cluster, sandbox, "asm-1-1");
  expect(await verdictsIn(cluster, sandbox)).toEqual([5, 3, "blocked injected-by-hand-gone "]);
});

test("the template of a ReplicaSet without a Deployment decides, not its pods", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter();
  // A ReplicaSet without a Deployment.
  const set = { ...deployment("set", injectedByHand(REVISION)), kind: "ReplicaSet" };
  await sandbox.create("replicasets", set);
  await eventually(async () => expect(await sandbox.pods()).toHaveLength(1));
  expect(await verdictsIn(cluster, sandbox)).toEqual([0, 1, `current on-target ${OLD}`]);
  await cluster.moveImage(REVISION, NEW);
  expect(await verdictsIn(cluster, sandbox)).toEqual([0, 1, `pinned pinned-by-kube-inject ${OLD}`]);
  const unproved = await verdictsIn(cluster, sandbox, "--prove=never");
  expect(unproved).toEqual([6, 1, "unknown injected-by-hand "]);
  await sandbox.relabel(LABEL);
  expect(await verdictsIn(cluster, sandbox)).toEqual([5, 1, `outdated image-differs ${NEW}`]);
});
