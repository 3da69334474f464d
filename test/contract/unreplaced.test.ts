import { describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, run, type Sandbox, test, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const REVISION = "asm-1-95";
const IMAGE = proxyImage("v1.95.7-1");
const LABEL = { "istio.io/rev": REVISION };

/** Runs `check` and `verify`, and returns the verdicts with both exit codes. */
async function verdictsIn(cluster: TestCluster, { name }: Sandbox) {
  const checked = await run(cluster, "check", "-n", name, "--json");
  const { workloads } = parseReport("CheckReport", checked.stdout);
  const verified = await run(cluster, "verify", "-n", name);
  return {
    exitCodes: [checked.status, verified.status],
    verdicts: workloads.map(({ name: workload, verdict, code }) => [workload, verdict, code]),
  };
}

/** A gateway whose image only injection sets. */
const GATEWAY = {
  annotations: { "inject.istio.io/templates": "gateway" },
  labels: { "sidecar.istio.io/inject": "true" },
  podSpec: { containers: [{ name: "istio-proxy", image: "auto" }] },
};

async function createGateways(sandbox: Sandbox): Promise<void> {
  await sandbox.create("deployments", deployment("edge", GATEWAY));
  await sandbox.create("statefulsets", statefulSet("inner", GATEWAY));
  await eventually(async () => expect(await sandbox.pods()).toHaveLength(2));
}

describe("a gateway with the image auto", () => {
  test("is blocked if nothing injects it", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: IMAGE });
    const sandbox = await enter();
    await createGateways(sandbox);
    expect(await verdictsIn(cluster, sandbox)).toEqual({
      exitCodes: [5, 5],
      verdicts: [
        ["edge", "blocked", "image-auto"],
        ["inner", "blocked", "image-auto"],
      ],
    });
    const restarted = await run(cluster, "restart", "deploy/edge", "--yes", "-n", sandbox.name);
    expect(restarted.status).toBe(5);
    const explained = await run(cluster, "explain", "deploy/edge", "-n", sandbox.name);
    expect([explained.status, explained.stdout]).toEqual([5, expect.stringContaining("blocked")]);
  });

  test("would lose its sidecar while a pod runs that was injected", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: IMAGE });
    const sandbox = await enter(LABEL);
    await createGateways(sandbox);
    await untilReady(sandbox, 2);
    await sandbox.relabel({ "istio.io/rev": null, "istio-injection": "disabled" });
    expect(await verdictsIn(cluster, sandbox)).toEqual({
      exitCodes: [5, 5],
      verdicts: [
        ["edge", "would-lose", "injection-disabled"],
        ["inner", "would-lose", "injection-disabled"],
      ],
    });
  });
});

describe("a pod that lost the annotations of injection", () => {
  test("still has its sidecar, and holds every revision", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: IMAGE });
    const sandbox = await enter(LABEL);
    await sandbox.create("deployments", deployment("web"));
    await sandbox.create("daemonsets", daemonSet("agent"));
    let names: readonly string[] = [];
    await eventually(async () => {
      const pods = await sandbox.pods();
      names = pods.map(({ metadata }) => metadata.name);
      const injected = pods.every(({ spec }) =>
        spec.containers.some(({ name }: { name: string }) => name === "istio-proxy"),
      );
      expect([names.length > 1, injected]).toEqual([true, true]);
    });
    const annotations = { "istio.io/rev": null, "sidecar.istio.io/status": null };
    for (const name of names) await sandbox.patch("pods", name, { metadata: { annotations } });

    const current = await verdictsIn(cluster, sandbox);
    expect(current.verdicts.map(([, verdict]) => verdict)).toEqual(["current", "current"]);
    await sandbox.relabel({ "istio.io/rev": null });
    expect(await verdictsIn(cluster, sandbox)).toEqual({
      exitCodes: [5, 5],
      verdicts: [
        ["agent", "would-lose", "no-label"],
        ["web", "would-lose", "no-label"],
      ],
    });
    const used = await run(cluster, "revisions", REVISION, "--assert-unused");
    expect(used.status).toBe(6);
  });
});
