import { describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment, pod } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { run, type Sandbox, test, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const REVISION = "asm-1-61";
const [OLD, NEW] = [proxyImage("v1.61.7-1"), proxyImage("v1.61.9-6")];
const LABELS = { team: "pay" };

async function checked(cluster: TestCluster, { name }: Sandbox, ...args: readonly string[]) {
  const ran = await run(cluster, "check", "-n", name, "--json", ...args);
  const { workloads, gaps, notes } = parseReport("CheckReport", ran.stdout);
  return { status: ran.status, workloads, gaps, notes };
}

/** Creates a pod of an owner that the cluster does not serve. */
async function createOwned(sandbox: Sandbox, name: string, apiVersion: string, kind: string) {
  const uid = "55555555-5555-4555-8555-555555555555";
  const ownerReferences = [{ apiVersion, kind, name: "web", uid, controller: true }];
  const manifest = pod(name);
  const labels = { "controller-revision-hash": "web-1" };
  const metadata = { ...(manifest["metadata"] as object), labels, ownerReferences };
  await sandbox.create("pods", { ...manifest, metadata });
}

describe("a scope does not hide", () => {
  test("a ReplicaSet with the labels of --selector", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    const { metadata, spec } = deployment("old") as Record<"metadata" | "spec", object>;
    const { strategy: _, ...rest } = spec as { strategy?: unknown };
    const body = { apiVersion: "apps/v1", kind: "ReplicaSet", spec: rest };
    await sandbox.create("replicasets", { ...body, metadata: { ...metadata, labels: LABELS } });
    await untilReady(sandbox, 1);
    await cluster.moveImage(REVISION, NEW);

    const found = await checked(cluster, sandbox, "-l", "team=pay");
    expect(found).toMatchObject({
      status: 5,
      workloads: [{ kind: "ReplicaSet", name: "old", verdict: "outdated", restart: "by-hand" }],
      gaps: [],
    });
    // Other tests may have installed revisions, about which there is a note.
    expect(found.notes.join()).not.toContain("--selector");
    const verified = await run(cluster, "verify", "-n", sandbox.name, "-l", "team=pay");
    expect(verified.status).toBe(5);
    const unmatched = await checked(cluster, sandbox, "-l", "team=shop");
    expect(unmatched).toMatchObject({ status: 0, workloads: [] });
  });

  test("an owner whose labels cannot be read", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await sandbox.create("deployments", {
      ...deployment("current"),
      metadata: { name: "current", labels: LABELS },
    });
    await createOwned(sandbox, "web-0", "apps.example.com/v1", "CloneSet");
    await untilReady(sandbox, 2);

    const found = await checked(cluster, sandbox, "-l", "team=pay");
    expect(found).toMatchObject({
      status: 6,
      workloads: [{ kind: "Deployment", name: "current" }],
      gaps: [{ what: "list cloneset.apps.example.com", namespace: sandbox.name }],
    });
    // Without a selector, the pods show everything that is needed.
    expect(await checked(cluster, sandbox)).toMatchObject({ status: 0, gaps: [] });
  });

  test("a kind that has the name of a built-in one", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await createOwned(sandbox, "web-0", "apps.kruise.io/v1beta1", "StatefulSet");
    await untilReady(sandbox, 1);
    await cluster.moveImage(REVISION, NEW);

    const found = await checked(cluster, sandbox);
    expect(found).toMatchObject({
      status: 5,
      workloads: [{ kind: "StatefulSet.apps.kruise.io", name: "web", verdict: "outdated" }],
    });
    const name = "statefulset.apps.kruise.io/web";
    const explained = await run(cluster, "explain", name, "-n", sandbox.name, "--json");
    expect([explained.status, parseReport("Explanation", explained.stdout).workload?.kind]).toEqual(
      [5, "StatefulSet.apps.kruise.io"],
    );
  });

  test("pods that do not name their revision", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await sandbox.create("deployments", deployment("web"));
    await untilReady(sandbox, 1);
    const [{ metadata }] = (await sandbox.pods()) as [{ metadata: { name: string } }];
    const status = '{"containers":["istio-proxy"]}';
    const annotations = { "istio.io/rev": null, "sidecar.istio.io/status": status };
    await sandbox.patch("pods", metadata.name, { metadata: { annotations } });

    const found = await checked(cluster, sandbox, "--revision", "asm-1-05");
    expect(found).toMatchObject({
      status: 6,
      workloads: [{ name: "web", verdict: "unknown", code: "revision-unnamed", restart: "no" }],
    });
    expect((await checked(cluster, sandbox, "--revision", REVISION)).workloads).toMatchObject([
      { name: "web", verdict: "current" },
    ]);
    const args = ["restart", "-n", sandbox.name, "--revision", "asm-1-05", "--yes"];
    expect((await run(cluster, ...args)).status).toBe(6);
  });
});
