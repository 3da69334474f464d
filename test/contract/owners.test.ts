import { expect, vi } from "vitest";
import { withoutAges } from "../support/ages.ts";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment, pod } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { run, type Sandbox, test, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const REVISION = "asm-1-89";
const [OLD, NEW] = [proxyImage("v1.89.7-1"), proxyImage("v1.89.9-6")];

/** Creates a pod that another object controls, and returns its reference. */
async function createOwned(
  sandbox: Sandbox,
  name: string,
  owner: { readonly apiVersion: string; readonly kind: string; readonly name: string },
  uid: string,
) {
  const manifest = pod(name);
  const ownerReferences = [{ ...owner, uid, controller: true }];
  const metadata = { ...(manifest["metadata"] as object), ownerReferences };
  const created = await sandbox.create("pods", { ...manifest, metadata });
  return { apiVersion: "v1", kind: "Pod", name, uid: created.metadata.uid };
}

test("pods of custom resources are explained by the names that check prints", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter({ "istio.io/rev": REVISION });
  const kafka = { apiVersion: "core.strimzi.io/v1beta2", kind: "StrimziPodSet", name: "kafka" };
  await createOwned(sandbox, "kafka-0", kafka, "22222222-2222-4222-8222-222222222222");
  const etl = { apiVersion: "sparkoperator.k8s.io/v1beta2", kind: "SparkApplication", name: "etl" };
  const driver = await createOwned(sandbox, "driver", etl, "44444444-4444-4444-8444-444444444444");
  const { uid, ...reference } = driver;
  await createOwned(sandbox, "executor-1", reference, uid);
  const alone = await sandbox.create("pods", pod("alone"));
  const bare = { apiVersion: "v1", kind: "Pod", name: "alone" };
  await createOwned(sandbox, "executor-2", bare, alone.metadata.uid);
  await untilReady(sandbox, 5);
  await cluster.moveImage(REVISION, NEW);

  const args = ["-n", sandbox.name, "--json"];
  const checked = await run(cluster, "check", ...args);
  const { workloads } = parseReport("CheckReport", checked.stdout);
  expect(checked.status).toBe(5);
  expect(workloads.map(({ kind, name, running }) => [kind, name, running[0]?.pods])).toEqual([
    ["Pod", "alone", 2],
    ["SparkApplication", "etl", 2],
    ["StrimziPodSet", "kafka", 1],
  ]);
  expect(workloads.map(({ nextStep }) => nextStep).join()).not.toContain("replace --force");
  for (const workload of workloads) {
    const { kind, name } = workload;
    const explained = await run(cluster, "explain", `${kind.toLowerCase()}/${name}`, ...args);
    // A check proves one workload for each target, and explain the one that it is about.
    const { workload: found } = parseReport("Explanation", explained.stdout);
    expect(explained.status).toBe(5);
    expect(withoutAges(found)).toEqual(withoutAges({ ...workload, proof: "proved" }));
  }
  const executor = await run(cluster, "explain", "pod/executor-1", ...args);
  expect(parseReport("Explanation", executor.stdout).subject).toMatchObject({
    kind: "SparkApplication",
    name: "etl",
  });
});

test("a ReplicaSet is explained by its Deployment, and an operator is a warning", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter({ "istio.io/rev": REVISION });
  const controller = {
    apiVersion: "serving.knative.dev/v1",
    kind: "Revision",
    name: "hello",
    uid: "11111111-1111-4111-8111-111111111111",
    controller: true,
  };
  const metadata = { name: "web", ownerReferences: [controller] };
  await sandbox.create("deployments", { ...deployment("web"), metadata });
  const labels = { "app.kubernetes.io/managed-by": "prometheus-operator" };
  await sandbox.create("deployments", {
    ...deployment("labelled"),
    metadata: { name: "labelled", labels },
  });
  await untilReady(sandbox, 2);
  await cluster.moveImage(REVISION, NEW);

  const [{ metadata: found }] = (await sandbox.pods()) as [{ metadata: never }];
  const [owner] = (found as { ownerReferences: { name: string }[] }).ownerReferences;
  const args = ["-n", sandbox.name, "--json"];
  const explained = await run(cluster, "explain", `rs/${owner?.name}`, ...args);
  const document = parseReport("Explanation", explained.stdout);
  expect([explained.status, document.subject.kind]).toEqual([2, "Deployment"]);
  const planned = await run(cluster, "restart", "--dry-run", ...args);
  const { workloads } = parseReport("RestartReport", planned.stdout);
  expect(workloads.flatMap(({ warnings }) => warnings)).toContainEqual({
    code: "operator",
    message: expect.stringContaining("Revision hello controls it, and may revert the restart"),
  });
  expect(workloads.flatMap(({ warnings }) => warnings)).toContainEqual({
    code: "operator",
    message:
      "prometheus-operator manages it (label app.kubernetes.io/managed-by), and may revert the restart: if so, restart it through prometheus-operator, delete its pods one at a time, or exclude it",
  });
});
