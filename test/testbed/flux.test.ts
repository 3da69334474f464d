import { afterAll, beforeAll, describe, expect } from "vitest";
import { eventually, RESTARTED_AT, type Sandbox, test } from "../contract/sandbox.ts";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { runProgram } from "../support/run-program.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const REVISION = "asm-1-74";
const CONTROLLER = "kustomize-controller";

interface ManagedFields {
  readonly manager: string;
  readonly operation: string;
  readonly fieldsV1: Readonly<Record<string, unknown>>;
}

/**
 * Transfers the fields of kubectl's managers to the controller, which then removes the fields that
 * it does not apply.
 */
function takenOver(entries: readonly ManagedFields[]): readonly ManagedFields[] {
  const kubectls = entries.filter(({ manager }) => manager.startsWith("kubectl"));
  return entries
    .filter((entry) => !kubectls.includes(entry))
    .map((entry) =>
      entry.manager === CONTROLLER && entry.operation === "Apply"
        ? { ...entry, fieldsV1: [entry, ...kubectls].map((one) => one.fieldsV1).reduce(merged) }
        : entry,
    );
}

type Fields = ManagedFields["fieldsV1"];

function merged(a: Fields, b: Fields): Fields {
  const both = Object.entries(b).map(([key, value]) => [
    key,
    key in a ? merged(a[key] as Fields, value as Fields) : value,
  ]);
  return { ...a, ...Object.fromEntries(both) };
}

/**
 * The test does what Flux does, according to its sources: fluxcd/pkg `ssa/patch.go`, Cleanup in
 * kustomize-controller.
 */
describe("a workload applied by Flux", () => {
  let cluster: RealCluster;
  beforeAll(async () => {
    cluster = openRealCluster();
    await cluster.installRevision({ name: REVISION, image: proxyImage("v1.74.0-1") });
  });
  afterAll(() => cluster.stop());

  async function reconcile(sandbox: Sandbox): Promise<void> {
    const path = sandbox.path("deployments", "web");
    const before = await cluster.request("GET", path);
    if (before.status === 200) {
      const managedFields = takenOver(before.body.metadata.managedFields);
      const patch = [{ op: "replace", path: "/metadata/managedFields", value: managedFields }];
      const contentType = "application/json-patch+json";
      expect((await cluster.request("PATCH", path, { body: patch, contentType })).status).toBe(200);
    }
    const labels = { "kustomize.toolkit.fluxcd.io/name": "apps" };
    const body = { ...deployment("web", { replicas: 2 }), metadata: { name: "web", labels } };
    const applied = await cluster.request(
      "PATCH",
      `${path}?fieldManager=${CONTROLLER}&force=true`,
      {
        body,
        contentType: "application/apply-patch+yaml",
      },
    );
    expect(applied.status).toBeLessThan(300);
  }

  test("is restarted only once, because the next reconciliation keeps the annotation", async ({
    enter,
  }) => {
    await cluster.moveImage(REVISION, proxyImage("v1.74.0-1"));
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await reconcile(sandbox);
    await eventually(async () =>
      expect((await sandbox.get("deployments", "web")).status.availableReplicas).toBe(2),
    );
    await cluster.moveImage(REVISION, proxyImage("v1.74.2-1"));
    const ran = await runProgram(["restart", "-n", sandbox.name, "--yes"], {
      KUBECONFIG: cluster.kubeconfig,
    });
    expect(ran.status).toBe(0);
    const restarted = await sandbox.get("deployments", "web");
    const owners = restarted.metadata.managedFields.filter((entry: object) =>
      JSON.stringify(entry).includes(RESTARTED_AT),
    );
    expect(owners.map(({ manager }: { manager: string }) => manager)).toEqual([
      "flux-client-side-apply",
    ]);

    await reconcile(sandbox);
    const after = await sandbox.get("deployments", "web");
    expect(after.metadata.generation).toBe(restarted.metadata.generation);
    expect(after.spec.template.metadata.annotations).toEqual(
      restarted.spec.template.metadata.annotations,
    );
  });

  test("is restarted twice by kubectl, because Flux removes kubectl's annotation", async ({
    sandbox,
  }) => {
    await reconcile(sandbox);
    await sandbox.restart("deployments", "web", "2026-01-02T03:04:05Z");
    await reconcile(sandbox);
    const { spec } = await sandbox.get("deployments", "web");
    expect(spec.template.metadata.annotations?.[RESTARTED_AT]).toBeUndefined();
  });
});
