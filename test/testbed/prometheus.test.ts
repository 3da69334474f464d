import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { renderMetrics } from "../../src/report/prometheus.ts";
import { installBookinfo } from "../support/bookinfo.ts";
import { clusterError } from "../support/build/fleet.ts";
import { ATTACKS } from "../support/build/hostile.ts";
import { writeFleetKubeconfig } from "../support/fleet-kubeconfig.ts";
import { runProgram } from "../support/run-program.ts";
import { buildPromcheck } from "./build.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

let cluster: RealCluster;
let folder: string;
let promcheck: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "prometheus-"));
  cluster = openRealCluster();
  await installBookinfo(cluster);
  promcheck = await buildPromcheck();
});
afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true });
});

/** Returns the problems that the libraries of promtool find. */
async function problemsOf(input: string, ...files: readonly string[]) {
  const child = spawn(promcheck, files, { stdio: ["pipe", "pipe", "inherit"] });
  const output = text(child.stdout);
  child.stdin.end(input);
  const status = await new Promise((resolve) => child.on("close", resolve));
  return { status, problems: await output };
}

const NONE = { status: 0, problems: "" };

test("Prometheus reads the metrics of clusters, read or not, and finds nothing to correct", async () => {
  const { kubeconfig } = cluster;
  const file = join(folder, "kubeconfig");
  await writeFleetKubeconfig(file, {
    prod: { kubeconfig },
    dead: { kubeconfig, server: "https://127.0.0.1:1" },
    'a"b\\c\n': { kubeconfig, server: "https://127.0.0.1:2" },
  });
  for (const args of [["--all-contexts"], ["--context", "prod"], ["--context", "dead"]]) {
    const ran = await runProgram(["check", ...args, "--output", "prometheus"], {
      KUBECONFIG: file,
    });
    expect(ran.stdout).toContain("istio_upgrade_report_complete{");
    expect(await problemsOf(ran.stdout)).toEqual(NONE);
  }
});

test("Prometheus reads the metrics of clusters with any name", async () => {
  const clusters = Object.values(ATTACKS).map((name) => clusterError(name));
  const metrics = [...renderMetrics(clusters, "2026-11-22T20:00:00Z")].join("");
  expect(metrics.match(/^istio_upgrade_report_complete/gm)).toHaveLength(clusters.length);
  expect(await problemsOf(metrics)).toEqual(NONE);
});

test.each(["prometheus/rules.yaml", "cronjob/alerts.yaml"])(
  "Prometheus reads the alert rules of deploy/%s",
  async (file) => {
    const rules = fileURLToPath(new URL(`../../deploy/${file}`, import.meta.url));
    expect(await problemsOf("", rules)).toEqual(NONE);
  },
);

test("the checks find what is wrong", async () => {
  const twice = 'x{a="b"} 1\nx{a="b"} 2\n';
  expect(await problemsOf(twice)).toMatchObject({ status: 1 });
  expect(await problemsOf('x{a="b} 1\n')).toMatchObject({ status: 1 });
  const own = fileURLToPath(
    new URL("../../deploy/prometheus/prometheusrule.yaml", import.meta.url),
  );
  expect(await problemsOf("", own)).toMatchObject({ status: 1 });
});
