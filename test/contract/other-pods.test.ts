import { expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { eventually, run, test } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const REVISION = "asm-1-93";
const IMAGE = proxyImage("v1.93.7-1");

test("Windows pods in a namespace that is injected since are blocked, never missing", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: IMAGE });
  const sandbox = await enter();
  const nodeSelector = { "kubernetes.io/os": "windows" };
  const byOs = { podSpec: { os: { name: "windows" }, nodeSelector } };
  await sandbox.create("deployments", deployment("by-os", byOs));
  await sandbox.create("statefulsets", statefulSet("by-selector", { podSpec: { nodeSelector } }));
  await eventually(async () => expect(await sandbox.pods()).toHaveLength(2));
  await sandbox.relabel({ "istio.io/rev": REVISION });
  for (const prove of ["auto", "always"]) {
    const args = ["check", "-n", sandbox.name, "--json", `--prove=${prove}`];
    const { status, stdout } = await run(cluster, ...args);
    const { workloads } = parseReport("CheckReport", stdout);
    const step = "set the label sidecar.istio.io/inject=false in the pod template";
    expect([status, workloads.map(({ code, nextStep }) => [code, nextStep])]).toEqual([
      5,
      [
        ["windows", step],
        ["windows", step],
      ],
    ]);
  }
  const args = ["restart", "--yes", "--include", "missing", "--allow-downtime"];
  expect((await run(cluster, ...args, "-n", sandbox.name)).status).toBe(5);
});

test("pods in ambient mode are not missing a sidecar", async ({ cluster, enter }) => {
  await cluster.installRevision({ name: REVISION, image: IMAGE });
  const sandbox = await enter({ "istio.io/dataplane-mode": "ambient" });
  await sandbox.create("deployments", deployment("web"));
  await eventually(async () => expect(await sandbox.pods()).toHaveLength(1));
  await sandbox.relabel({ "istio.io/rev": REVISION });
  const { status, stdout } = await run(cluster, "check", "-n", sandbox.name, "--json");
  const { workloads } = parseReport("CheckReport", stdout);
  expect([status, workloads.map(({ verdict, code }) => [verdict, code])]).toEqual([
    0,
    [["current", "ambient"]],
  ]);
  const args = ["restart", "--yes", "--include", "missing,current", "-n", sandbox.name];
  await run(cluster, ...args);
  expect((await sandbox.get("deployments", "web")).metadata.generation).toBe(1);
});
