import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { installBookinfo } from "../support/bookinfo.ts";
import { type EmbeddedCluster, startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { installProgram, packProgram } from "../support/package.ts";
import { parseReport } from "../support/report-schema.ts";
import { NODES, nodeProgram } from "./nodes.ts";

const run = promisify(execFile);

let folder: string;
let program: string;
let cluster: EmbeddedCluster;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "istio-upgrade-nodes-"));
  program = join(await installProgram(folder, await packProgram(folder)), "istio-upgrade");
  cluster = await startEmbeddedCluster();
  await installBookinfo(cluster);
  for (const version of NODES) await mkdir(join(folder, version));
});
afterAll(async () => {
  await cluster.stop();
  await rm(folder, { recursive: true, force: true });
});

test("the oldest tested Node is the oldest supported one", () => {
  expect(manifest.engines.node).toBe(`>=${NODES[0].replace(/\.0$/, "")}`);
});

describe.each(NODES)("installed, on Node %s", (version) => {
  /** Runs the program as a shell does: its first line finds `node` on the path. */
  async function started(...args: readonly string[]) {
    const path = `${dirname(await nodeProgram(version))}:/usr/bin:/bin`;
    const env = { PATH: path, KUBECONFIG: cluster.kubeconfig, HOME: join(folder, version) };
    return run(program, args, { env }).then(
      (ended) => ({ ...ended, code: 0 }),
      (ended: { code: number; stdout: string; stderr: string }) => ended,
    );
  }

  test("that version of Node runs", async () => {
    const { stdout } = await run(await nodeProgram(version), ["--version"]);
    expect(stdout).toBe(`v${version}\n`);
  });

  test("prints its version and its help", async () => {
    expect(await started("--version")).toMatchObject({ code: 0, stdout: `${manifest.version}\n` });
    expect((await started("--help")).stdout).toContain("Usage: istio-upgrade");
    expect((await started("restart", "--help")).stdout).toContain("--max-parallel");
  });

  test("checks, explains and plans, without warnings from Node", async () => {
    const checked = await started("check", "--json");
    expect(checked).toMatchObject({ code: 2 });
    expect(parseReport("CheckReport", checked.stdout).summary.workloads).toBeGreaterThan(5);
    for (const output of ["table", "markdown", "junit"]) {
      expect((await started("check", "--output", output)).stdout).toContain("productpage-v1");
    }
    const explained = await started("explain", "deploy/details-v1", "-n", "default");
    expect(explained.stdout).toContain("outdated");
    const planned = await started("restart", "-n", "default", "--dry-run", "--json");
    expect(planned).toMatchObject({ code: 0 });
    expect(parseReport("RestartReport", planned.stdout).steps.length).toBeGreaterThan(5);
    for (const { stderr } of [checked, explained, planned]) {
      expect(stderr).not.toMatch(/Warning|Deprecat|node:internal/i);
    }
  });

  test("leaves nothing behind except the compile cache of Node 22 and newer", async () => {
    const kept = await readdir(join(folder, version), { recursive: true });
    const ours = join(".cache", "istio-upgrade", "compiled");
    expect(kept.filter((path) => !path.startsWith(ours) && !ours.startsWith(path))).toEqual([]);
    expect(kept.includes(ours)).toBe(Number.parseInt(version, 10) >= 22);
  });
});
