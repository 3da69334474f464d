import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { installProgram, packProgram } from "../support/package.ts";
import { parseReport } from "../support/report-schema.ts";
import { buildPrograms } from "./build.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const run = promisify(execFile);

let folder: string;
let path: string;
let kubectl: string;
let cluster: RealCluster;

beforeAll(async () => {
  cluster = openRealCluster();
  ({ kubectl } = await buildPrograms());
  folder = await mkdtemp(join(tmpdir(), "istio-upgrade-plugin-"));
  const bin = await installProgram(folder, await packProgram(folder));
  await cluster.installRevision({ name: "asm-1-69", image: "registry.test/istio/proxyv2:1.31.0" });
  path = `${bin}:${dirname(process.execPath)}:/usr/bin:/bin`;
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await cluster.stop();
});

test("kubectl finds the installed program and passes its arguments on", async () => {
  const env = { PATH: path, HOME: folder, KUBECONFIG: cluster.kubeconfig };
  const listed = await run(kubectl, ["plugin", "list"], { env });
  expect(listed.stdout).toContain("kubectl-istio_upgrade");
  const version = await run(kubectl, ["istio-upgrade", "--version"], { env });
  expect(version.stdout).toBe(`${manifest.version}\n`);
  const completed = await run(kubectl, ["__complete", "istio-upgrade", "check", "--output", "w"], {
    env,
  });
  expect(completed.stdout).toBe("wide\n:4\n");
  // Unlike `default`, no other test has workloads in it.
  const namespace = "kube-node-lease";
  const args = ["istio-upgrade", "check", "-n", namespace, "--json"];
  const { stdout } = await run(kubectl, args, { env });
  expect(parseReport("CheckReport", stdout)).toMatchObject({ scope: { namespaces: [namespace] } });
});
