import { afterAll, beforeAll, describe, expect } from "vitest";
import { eventually, type Sandbox, test, untilReady } from "../contract/sandbox.ts";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import { POD_BEHAVIOUR } from "../support/test-cluster.ts";
import { auditedWrites } from "./audit.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const OLD = { name: "asm-1-35", image: proxyImage("v1.35.1-1") };
const NEW = { name: "asm-1-36", image: proxyImage("v1.36.0-2") };
const REVISION = "istio.io/rev";

/** Moves that need a real injector, a real admission or an audit log. */
describe("move on a real control plane", () => {
  let cluster: RealCluster;
  beforeAll(async () => {
    cluster = openRealCluster();
    await cluster.installRevision(OLD);
    await cluster.installRevision(NEW);
  });
  afterAll(() => cluster.stop());

  async function move(...args: readonly string[]) {
    const env = { KUBECONFIG: cluster.kubeconfig };
    const ran = await runProgram(["move", ...args, "--json"], env);
    return { ...ran, report: () => parseReport("RestartReport", ran.stdout) };
  }

  async function revisionsOf(sandbox: Sandbox): Promise<readonly string[]> {
    const pods = await sandbox.pods();
    return [...new Set(pods.map(({ metadata }) => metadata.annotations[REVISION]))].sort();
  }

  test("sends one patch for each namespace and each workload, and none before consent", async ({
    enter,
  }) => {
    const shop = await enter({ [REVISION]: OLD.name });
    for (const name of ["web", "api"]) {
      await shop.create("deployments", deployment(name, { replicas: 2 }));
    }
    await untilReady(shop, 4);
    await move(shop.name, "--to", NEW.name, "--dry-run");
    const server = await move(shop.name, "--to", NEW.name, "--dry-run=server");
    expect(server.report().results).toMatchObject([{ code: "dry-run" }, { code: "dry-run" }]);
    await move(shop.name, "--to", NEW.name);
    expect(await auditedWrites(cluster, shop.name)).toEqual([]);
    const { status, stderr } = await move(shop.name, "--to", NEW.name, "--yes");
    expect([status, stderr]).toEqual([0, expect.anything()]);
    await eventually(async () => {
      const writes = await auditedWrites(cluster, shop.name);
      expect(
        writes.map(({ verb, objectRef }) => [verb, objectRef?.resource, objectRef?.name]),
      ).toEqual([
        ["patch", "namespaces", shop.name],
        ["patch", "deployments", expect.any(String)],
        ["patch", "deployments", expect.any(String)],
      ]);
    });
    expect(await revisionsOf(shop)).toEqual([NEW.name]);
  });

  test("does not fight a label that was applied by a server-side apply", async ({ enter }) => {
    const shop = await enter({ team: "pay" });
    const body = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name: shop.name, labels: { [REVISION]: OLD.name } },
    };
    const path = `/api/v1/namespaces/${shop.name}?fieldManager=kustomize-controller&force=true`;
    const contentType = "application/apply-patch+yaml";
    expect((await cluster.request("PATCH", path, { body, contentType })).status).toBe(200);
    const refused = await move(shop.name, "--to", NEW.name, "--yes");
    expect([refused.status, refused.report().namespaces]).toMatchObject([
      5,
      [{ code: "label-owned" }],
    ]);
  });

  test("goes back from a revision whose injector no longer answers", async ({ enter }) => {
    const shop = await enter({ [REVISION]: OLD.name });
    const slow = { [POD_BEHAVIOUR.readyAfter]: "3s" };
    await shop.create("deployments", deployment("first", { annotations: slow }));
    await shop.create("deployments", deployment("second", { replicas: 2 }));
    await untilReady(shop, 3);
    const flags = ["--yes", "--max-parallel", "1"];
    const moving = move(shop.name, "--to", NEW.name, ...flags);
    await eventually(async () => expect(await revisionsOf(shop)).toContain(NEW.name));
    await cluster.breakRevision(NEW.name);
    try {
      const broken = await moving;
      expect([broken.status, broken.stderr]).toEqual([expect.any(Number), expect.anything()]);
      expect(broken.status).not.toBe(0);
      const forward = await move(shop.name, "--to", NEW.name, ...flags);
      expect(forward.status).not.toBe(0);
      // A restart whose pods the injector rejects.
      await shop.restart("deployments", "second", "2026-01-02T03:04:05Z");
      await eventually(async () => {
        const { status } = await shop.get("deployments", "second");
        expect(JSON.stringify(status.conditions)).toContain("failed calling webhook");
      });
      const back = await move(shop.name, "--to", OLD.name, "--yes");
      expect([back.status, back.stderr]).toEqual([0, expect.anything()]);
      expect(await revisionsOf(shop)).toEqual([OLD.name]);
      await untilReady(shop, 3);
    } finally {
      await cluster.restoreRevision(NEW.name);
    }
  }, 180_000);
});
