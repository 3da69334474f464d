import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, vi } from "vitest";
import { stepParts } from "../../src/report/step-parts.ts";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { builtProgram } from "../testbed/build.ts";
import { eventually, onlyReal, run, type Sandbox, test, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 180_000 });

const REVISION = "asm-1-96";
const [OLD, NEW] = [proxyImage("v1.96.7-1"), proxyImage("v1.96.9-6")];
const BIN = fileURLToPath(new URL("../../bin/istio-upgrade.js", import.meta.url));

/** Runs the first command of a printed next step in a shell, as a user who pastes it. */
async function paste(cluster: TestCluster, step: string): Promise<void> {
  const command = stepParts(step).find(({ kind }) => kind === "command")?.text ?? "";
  expect(command).not.toBe("");
  const kubectl = (await builtProgram("kubectl")) ?? "kubectl";
  const functions = [
    `kubectl() { '${kubectl}' "$@"; }`,
    `istio-upgrade() { '${process.execPath}' '${BIN}' "$@" --yes; }`,
  ];
  const script = `${functions.join("\n")}\n${command}\n`;
  // The embedded cluster runs in this process, which must not be blocked.
  const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
  await promisify(execFile)("bash", ["-c", script], { env });
}

/** Returns the verdict on the only workload, and its next step. */
async function only(cluster: TestCluster, { name }: Sandbox) {
  const checked = await run(cluster, "check", "-n", name, "--json");
  const { workloads, nextStep } = parseReport("CheckReport", checked.stdout);
  expect(workloads).toHaveLength(1);
  return { verdict: workloads[0]?.verdict, step: workloads[0]?.nextStep || nextStep };
}

test("the next steps of a check lead from missing to outdated to current", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  await cluster.moveImage(REVISION, OLD);
  const sandbox = await enter();
  await sandbox.create("deployments", deployment("web"));
  await untilReady(sandbox, 1);
  await sandbox.relabel({ "istio.io/rev": REVISION });
  const missing = await only(cluster, sandbox);
  expect(missing.verdict).toBe("missing");
  await paste(cluster, missing.step ?? "");
  expect((await only(cluster, sandbox)).verdict).toBe("current");

  await cluster.moveImage(REVISION, NEW);
  const outdated = await only(cluster, sandbox);
  expect(outdated.verdict).toBe("outdated");
  await paste(cluster, outdated.step ?? "");
  expect((await only(cluster, sandbox)).verdict).toBe("current");
});

test("the next step of a workload that would lose its sidecar keeps it", async ({
  cluster,
  enter,
  skip,
}) => {
  onlyReal(cluster, skip, "kubectl needs the whole discovery of a real API server");
  await cluster.installRevision({ name: REVISION, image: OLD });
  await cluster.moveImage(REVISION, OLD);
  const sandbox = await enter({ "istio.io/rev": REVISION });
  await sandbox.create("deployments", deployment("web"));
  await untilReady(sandbox, 1);
  await sandbox.relabel({ "istio.io/rev": "asm-1-1" });
  const lost = await only(cluster, sandbox);
  expect(lost.verdict).toBe("would-lose");
  await paste(cluster, lost.step ?? "");
  await eventually(async () =>
    expect((await only(cluster, sandbox)).verdict).toMatch(/^(?:current|outdated)$/),
  );
});
