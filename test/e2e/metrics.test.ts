import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installBookinfo } from "../support/bookinfo.ts";
import { type EmbeddedCluster, startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { writeFleetKubeconfig } from "../support/fleet-kubeconfig.ts";
import { fencedBlocks } from "../support/page-blocks.ts";
import { COMMAND, type RunResult, runProgram } from "../support/run-program.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const TEXTFILE = join(ROOT, "deploy/prometheus/textfile.sh");

let cluster: EmbeddedCluster;
let folder: string;
let path: string;
let kubeconfig: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "metrics-"));
  cluster = await startEmbeddedCluster();
  await installBookinfo(cluster);
  kubeconfig = join(folder, "kubeconfig");
  await writeFleetKubeconfig(kubeconfig, {
    prod: { kubeconfig: cluster.kubeconfig },
    dead: { kubeconfig: cluster.kubeconfig, server: "https://127.0.0.1:1" },
  });
  const bin = join(folder, "bin");
  mkdirSync(bin);
  const program = COMMAND.map((word) => `'${word}'`).join(" ");
  writeFileSync(join(bin, "istio-upgrade"), `#!/bin/sh\nexec ${program} "$@"\n`, { mode: 0o755 });
  path = `${bin}:${process.env["PATH"]}`;
});
afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true });
});

/** Runs a command with the program in its path. */
function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  const child = spawn(command, args, {
    cwd: folder,
    env: { PATH: path, KUBECONFIG: kubeconfig, HOME: folder, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = [text(child.stdout), text(child.stderr)];
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => {
      void Promise.all([stdout, stderr]).then(([out, err]) =>
        resolve({ status, stdout: out, stderr: err }),
      );
    });
  });
}

describe("the script for the textfile collector", () => {
  const collect = (where: string, ...args: readonly string[]) => run(TEXTFILE, [where, ...args]);

  test("writes one file that anyone can read, with every cluster", async () => {
    const where = mkdtempSync(join(folder, "textfile-"));
    expect((await collect(where, "--all-contexts")).status).toBe(0);
    expect(readdirSync(where)).toEqual(["istio_upgrade.prom"]);
    const metrics = readFileSync(join(where, "istio_upgrade.prom"), "utf8");
    expect(metrics).toContain(
      'istio_upgrade_workloads{cluster="prod",namespace="default",verdict="outdated"} 6\n',
    );
    expect(metrics).toContain('istio_upgrade_report_complete{cluster="dead"} 0\n');
    expect((await run("stat", ["-c", "%a", join(where, "istio_upgrade.prom")])).stdout).toBe(
      "644\n",
    );
  });

  test("writes the file even if no cluster can be read, and fails", async () => {
    const where = mkdtempSync(join(folder, "textfile-"));
    expect((await collect(where, "--context", "dead")).status).toBe(1);
    const metrics = readFileSync(join(where, "istio_upgrade.prom"), "utf8");
    expect(metrics).toContain('istio_upgrade_report_complete{cluster="dead"} 0\n');
  });

  test("keeps the last file after wrong usage, and leaves no other file", async () => {
    const where = mkdtempSync(join(folder, "textfile-"));
    writeFileSync(join(where, "istio_upgrade.prom"), "before\n");
    expect((await collect(where, "--context", "nope*")).status).toBe(64);
    expect(readdirSync(where)).toEqual(["istio_upgrade.prom"]);
    expect(readFileSync(join(where, "istio_upgrade.prom"), "utf8")).toBe("before\n");
  });
});

test("the recipe for the Pushgateway sends the metrics with PUT, under bash -e", async () => {
  const requests: string[] = [];
  const gateway = createServer((request, response) => {
    void text(request).then((body) => {
      requests.push(`${request.method} ${request.url}\n${body}`);
      return response.writeHead(200).end();
    });
  });
  await new Promise<void>((resolve) => gateway.listen(0, "127.0.0.1", resolve));
  const { port } = gateway.address() as AddressInfo;
  const page = readFileSync(join(ROOT, "docs/metrics.md"), "utf8");
  const [recipe = ""] = fencedBlocks(page, "sh");
  const env = { PUSHGATEWAY: `http://127.0.0.1:${port}` };
  const ran = await run("bash", ["-e", "-c", recipe], env);
  gateway.close();
  expect(ran.status, ran.stderr).toBe(0);
  expect(requests).toHaveLength(1);
  expect(requests[0]).toMatch(
    /^PUT \/metrics\/job\/istio-upgrade\n# HELP istio_upgrade_workloads /,
  );
  expect(requests[0]).toContain('istio_upgrade_report_complete{cluster="dead"} 0\n');
});

describe("--output prometheus", () => {
  test("of one cluster that cannot be read says so in metrics, and exits 1", async () => {
    const args = ["check", "--context", "dead", "--output", "prometheus"];
    const ran = await runProgram(args, { KUBECONFIG: kubeconfig });
    expect(ran.status).toBe(1);
    expect(ran.stdout).toMatch(/^istio_upgrade_report_complete\{cluster="dead"\} 0$/m);
    expect(ran.stdout).toMatch(/^istio_upgrade_last_run_timestamp_seconds\{cluster="dead"\} \d+/m);
    expect(ran.stderr).toMatch(/^RESULT exit=1 cluster=dead error=unreachable$/m);
  });

  test.each([
    [["status"]],
    [["revisions"]],
    [["explain", "deploy/web"]],
    [["restart", "-A"]],
    [["move", "shop", "--to", "asm-1-28"]],
  ])("%j has no metrics", async (args) => {
    const ran = await runProgram([...args, "-o", "prometheus"], { KUBECONFIG: kubeconfig });
    expect([ran.status, ran.stdout]).toEqual([64, ""]);
    expect(ran.stderr).toContain("error: only check and verify have metrics");
    const file = join(folder, "none.prom");
    const written = await runProgram([...args, "--report-file", file], { KUBECONFIG: kubeconfig });
    expect([written.status, existsSync(file)]).toEqual([64, false]);
    expect(written.stderr).toContain(
      `error: only check and verify have metrics for --report-file "${file}"`,
    );
  });

  test("one run writes JSON, a page and metrics", async () => {
    const files = ["all.json", "all.html", "all.prom"].map((name) => join(folder, name));
    const flags = files.flatMap((file) => ["--report-file", file]);
    const args = ["check", "--all-contexts", "-o", "prometheus", ...flags];
    const ran = await runProgram(args, { KUBECONFIG: kubeconfig });
    const [json = "", page = "", metrics = ""] = files.map((file) => readFileSync(file, "utf8"));
    expect(metrics).toBe(ran.stdout);
    expect(JSON.parse(json)).toMatchObject({ kind: "FleetReport", exitCode: ran.status });
    expect(page).toContain("</html>");
    const failed = ["check", "--context", "dead", "--kubeconfig", kubeconfig, ...flags];
    expect((await runProgram(failed)).status).toBe(1);
    const [error = "", errorPage = "", dead = ""] = files.map((file) => readFileSync(file, "utf8"));
    expect(JSON.parse(error)).toMatchObject({ kind: "Error", code: "unreachable" });
    expect(errorPage).toContain("</html>");
    expect(dead).toContain('istio_upgrade_report_complete{cluster="dead"} 0');
  });
});
