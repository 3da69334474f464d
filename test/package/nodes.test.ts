import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
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
    for (const output of ["table", "markdown", "junit", "html"]) {
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

  test("shares connections between requests", async () => {
    const before = cluster.requests.length;
    await started("check");
    const sent = cluster.requests
      .slice(before)
      .filter(({ userAgent }) => userAgent === "istio-upgrade");
    expect(sent.length).toBeGreaterThan(10);
    expect(new Set(sent.map(({ port }) => port)).size).toBeLessThanOrEqual(8);
  });

  test("keeps compiled code only in a folder that nobody else may write to", async () => {
    const cacheAt = (name: string) => join(folder, `cache-${version}-${name}`);
    const compiled = (name: string) => join(cacheAt(name), "istio-upgrade", "compiled");
    for (const [name, mode] of [
      ["open", 0o777],
      ["own", 0o755],
    ] as const) {
      await mkdir(compiled(name), { recursive: true });
      await chmod(compiled(name), mode);
    }
    const kept = async (name: string) => {
      const path = `${dirname(await nodeProgram(version))}:/usr/bin:/bin`;
      const env = { PATH: path, KUBECONFIG: cluster.kubeconfig, XDG_CACHE_HOME: cacheAt(name) };
      await run(program, ["check", "--help"], { env });
      await run(program, ["revisions"], { env });
      const { mode } = await stat(compiled(name));
      return [(mode & 0o777).toString(8), (await readdir(compiled(name))).length];
    };
    expect([await kept("open"), await kept("own"), await kept("new")]).toEqual([
      ["777", 0],
      ["700", 1],
      ["700", 1],
    ]);
  });

  test("keeps the compiled code of each command that it has run, and uses it", async () => {
    const compiled = join(folder, version, ".cache", "istio-upgrade", "compiled");
    const before = await readdir(compiled);
    const commands = before.map((name) => name.split("-").at(-1));
    expect(commands.toSorted()).toEqual(["check", "explain", "restart"]);
    const times = async () =>
      Promise.all(before.map(async (name) => (await stat(join(compiled, name))).mtimeMs));
    const written = await times();
    expect(await started("check")).toMatchObject({ code: 2 });
    expect(await times()).toEqual(written);
  });

  test("compiles the program again if the kept code is damaged", async () => {
    const compiled = join(folder, version, ".cache", "istio-upgrade", "compiled");
    const name = (await readdir(compiled)).find((one) => one.endsWith("-check")) ?? "";
    const whole = await readFile(join(compiled, name));
    for (const damaged of [Buffer.from(""), whole.subarray(0, 1000), Buffer.from("x".repeat(99))]) {
      await writeFile(join(compiled, name), damaged);
      expect(await started("check")).toMatchObject({ code: 2 });
      expect((await readFile(join(compiled, name))).length).toBeGreaterThan(whole.length / 2);
    }
  });

  test("leaves nothing behind except compiled code", async () => {
    const kept = await readdir(join(folder, version), { recursive: true });
    const ours = join(".cache", "istio-upgrade", "compiled");
    expect(kept.filter((path) => !path.startsWith(ours) && !ours.startsWith(path))).toEqual([]);
    expect(kept).toContain(ours);
  });
});
