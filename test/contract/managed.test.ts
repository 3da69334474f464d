import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, run, type Sandbox, test, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const REVISION = "asm-1-94";
const [OLD, NEW] = [proxyImage("v1.94.7-1"), proxyImage("v1.94.9-6")];
const LABEL = { "istio.io/rev": REVISION };

/** Runs `check` and `verify`, and returns what they say about each workload, with both exit codes. */
async function verdictsIn(cluster: TestCluster, { name }: Sandbox) {
  const checked = await run(cluster, "check", "-n", name, "--json");
  const { workloads } = parseReport("CheckReport", checked.stdout);
  const verified = await run(cluster, "verify", "-n", name);
  return {
    exitCodes: [checked.status, verified.status],
    verdicts: workloads.map(({ name: workload, verdict, code }) => [workload, verdict, code]),
    nextSteps: workloads.map(({ nextStep }) => nextStep),
  };
}

describe("a workload in a namespace of AKS", () => {
  test("lags and holds its revision, like any other workload of a user", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter(LABEL, "aks-istio-ingress");
    const gateway = {
      labels: { "sidecar.istio.io/inject": "true" },
      podSpec: { containers: [{ name: "istio-proxy", image: "auto" }] },
    };
    await sandbox.create("deployments", deployment("oauth2-proxy"));
    await sandbox.create("deployments", {
      ...deployment("labelled"),
      metadata: { name: "labelled", labels: { "kubernetes.azure.com/managedby": "aks" } },
    });
    await sandbox.create("deployments", deployment("edge", gateway));
    await untilReady(sandbox, 3);
    await cluster.moveImage(REVISION, NEW);

    const { exitCodes, verdicts } = await verdictsIn(cluster, sandbox);
    expect(exitCodes).toEqual([2, 2]);
    expect(verdicts.map(([, ...rest]) => rest)).toEqual(
      ["edge", "labelled", "oauth2-proxy"].map(() => ["outdated", "image-differs"]),
    );
    // Pods of other tests may be about to end, in namespaces that are being deleted.
    await eventually(async () => {
      const used = await run(cluster, "revisions", REVISION, "--assert-unused", "--json");
      const { revisions, gaps } = parseReport("RevisionsReport", used.stdout);
      expect([used.status, gaps]).toEqual([5, []]);
      const [revision] = revisions;
      expect(revision?.pods.managed).toBe(0);
      expect(JSON.stringify(revision)).toContain(`${sandbox.name}/deploy/oauth2-proxy`);
    });
  });

  test("is managed with the labels of AKS", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({}, "aks-istio-ingress");
    await sandbox.create("deployments", {
      ...deployment("ingress", {
        podSpec: { containers: [{ name: "istio-proxy", image: OLD, args: ["proxy", "router"] }] },
      }),
      metadata: {
        name: "ingress",
        labels: { "azureservicemesh/istio.component": "ingress-gateway" },
      },
    });
    await untilReady(sandbox, 1);
    expect(await verdictsIn(cluster, sandbox)).toMatchObject({
      exitCodes: [0, 0],
      verdicts: [["ingress", "managed", "aks-gateway"]],
    });
  });
});

describe("a gateway that istiod rendered", () => {
  /** A Deployment as istiod renders it for the Gateway `edge`. */
  function rendered(revision: string, image: string) {
    return deployment("edge-istio", {
      labels: {
        "gateway.networking.k8s.io/gateway-name": "edge",
        "gateway.istio.io/managed": "istio.io-gateway-controller",
        "sidecar.istio.io/inject": "false",
      },
      annotations: { "istio.io/rev": revision },
      podSpec: { containers: [{ name: "istio-proxy", image, args: ["proxy", "router"] }] },
    });
  }

  test.for<[string, string, string, number, string, string]>([
    ["is managed on target", REVISION, OLD, 0, "managed", "gateway-api"],
    ["is a finding without its revision", "asm-1-1", OLD, 5, "outdated", "gateway-revision-gone"],
    ["is a finding with another image", REVISION, NEW, 5, "outdated", "gateway-not-updated"],
  ])("%s", async ([, revision, image, exitCode, ...verdict], { cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter();
    await sandbox.create("deployments", rendered(revision, image));
    await untilReady(sandbox, 1);
    if (verdict.includes("gateway-not-updated")) {
      // At first, istiod may be about to render it.
      await cluster.moveImage(REVISION, proxyImage("v1.94.8-1"));
      await cluster.moveImage(REVISION, OLD);
      const early = await verdictsIn(cluster, sandbox);
      expect([early.exitCodes, early.verdicts]).toEqual([
        [0, 0],
        [["edge-istio", "managed", "gateway-api"]],
      ]);
      await sleep(31_000);
    }
    const { exitCodes, verdicts, nextSteps } = await verdictsIn(cluster, sandbox);
    expect([exitCodes, verdicts]).toEqual([[exitCode, exitCode], [["edge-istio", ...verdict]]]);
    const restarted = await run(cluster, "restart", "--yes", "-n", sandbox.name);
    expect(restarted.status).toBe(exitCode);
    if (exitCode === 0) return;
    expect(nextSteps[0]).toMatch(
      new RegExp(
        `^(?:for [^:]+: )?kubectl label gateways.gateway.networking.k8s.io edge -n ${sandbox.name} istio.io/rev=asm-[-\\d]+ --overwrite`,
      ),
    );
  });
});
