import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { deployment, namespace } from "../support/manifests.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram, startProgram } from "../support/run-program.ts";
import { startOnTerminal } from "../support/terminal.ts";
import type { TestCluster } from "../support/test-cluster.ts";

const BIN = fileURLToPath(new URL("../../bin/istio-upgrade.js", import.meta.url));
const image = (version: string) => `mcr.microsoft.com/oss/v2/istio/proxyv2:${version}`;
const DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments";
const ARGS = ["restart", "-n", "shop", "--yes", "--json", "--max-parallel", "1"];

/** A CI runner kills a few seconds after it asked: by then the report is out. */
const AT_ONCE = 2500;

describe("whatever ends a restart early", () => {
  let cluster: TestCluster;
  let relay: Relay;

  beforeEach(async () => {
    cluster = await startEmbeddedCluster();
    await cluster.installRevision({ name: "asm-1-27", image: image("v1.27.7-1") });
    const body = namespace("shop", { "istio.io/rev": "asm-1-27" });
    await cluster.request("POST", "/api/v1/namespaces", { body });
    const annotations = { "test.istio-upgrade/ready-after": "1s" };
    for (const name of ["first", "second"]) {
      await cluster.request("POST", DEPLOYMENTS, { body: deployment(name, { annotations }) });
    }
    const env = { KUBECONFIG: cluster.kubeconfig };
    await vi.waitFor(async () => expect((await runProgram(["verify"], env)).status).toBe(0), {
      timeout: 20_000,
    });
    await cluster.moveImage("asm-1-27", image("v1.27.9-6"));
    relay = await startRelay(cluster.kubeconfig);
  });
  afterEach(async () => {
    await relay.stop();
    await cluster.stop();
  });

  const start = (...args: readonly string[]) =>
    startProgram([...ARGS, ...args], { KUBECONFIG: relay.kubeconfig });

  async function until(running: { stderr(): string }, text: string | RegExp): Promise<void> {
    await vi.waitFor(() => expect(running.stderr()).toMatch(text), {
      timeout: 20_000,
      interval: 10,
    });
  }

  /** Sends the signal, and fails where the program has not ended by then. */
  async function endedBy(running: ReturnType<typeof start>, signal: NodeJS.Signals) {
    const asked = Date.now();
    running.signal(signal);
    const ran = await running.done;
    expect(Date.now() - asked).toBeLessThan(AT_ONCE);
    return ran;
  }

  async function restarts(): Promise<readonly string[]> {
    const { body } = await cluster.request("GET", DEPLOYMENTS);
    return body.items
      .filter(({ metadata }: { metadata: { generation: number } }) => metadata.generation > 1)
      .map(({ metadata }: { metadata: { name: string } }) => metadata.name);
  }

  test.for([
    ["SIGINT", 130, "interrupted"],
    ["SIGTERM", 143, "terminated"],
  ] as const)(
    "%s while it reads: nothing was done, and that is said",
    async ([signal, status, word]) => {
      relay.stall();
      const running = start();
      await vi.waitFor(() => expect(relay.connections()).toBeGreaterThan(0), { timeout: 20_000 });
      expect(await endedBy(running, signal)).toEqual({
        status,
        stdout: "",
        stderr: `error: ${word} before anything was restarted\nnothing was changed: run it again when you are ready\n`,
      });
      expect(await restarts()).toEqual([]);
    },
  );

  test("SIGTERM while the API server is silent: what was patched may still roll", async () => {
    const running = start();
    await until(running, "first: restarting");
    relay.stall();
    // It is in the middle of a request then.
    await new Promise((resolve) => setTimeout(resolve, 800));
    const ran = await endedBy(running, "SIGTERM");
    const report = parseReport("RestartReport", ran.stdout);
    expect([ran.status, report.complete]).toEqual([143, false]);
    expect(report.results).toMatchObject([
      {
        name: "first",
        outcome: "timed-out",
        code: "interrupted",
        message: "it may still roll: the API server did not say",
        nextStep: `kubectl rollout status deployment/first -n shop`,
      },
      { name: "second", outcome: "not-started", code: "interrupted" },
    ]);
    expect(report.results[0]?.startedAt).not.toBeNull();
  });

  test.for([
    ["SIGINT", 130, "interrupted"],
    ["SIGTERM", 143, "terminated"],
  ] as const)(
    "%s while it verifies: the report says what was done, and what was not read again",
    async ([signal, status, reason]) => {
      const running = start();
      await until(running, "second: restarting");
      // So that what is read again takes its time.
      relay.slow(400);
      await until(running, "second: restarted, rolled out");
      const ran = await endedBy(running, signal);
      const report = parseReport("RestartReport", ran.stdout);
      expect([ran.status, report.exitReasons]).toEqual([status, [reason, "gaps:1"]]);
      expect(report.results.map(({ outcome }) => outcome)).toEqual(["restarted", "restarted"]);
      expect(report.gaps).toMatchObject([{ what: "final verification", reason: "interrupted" }]);
      expect(report.workloads).toEqual([]);
    },
  );

  test("SIGINT during a pause does not wait for its end", async () => {
    const running = start("--pause", "10m");
    await until(running, "first: restarted, rolled out");
    const ran = await endedBy(running, "SIGINT");
    const report = parseReport("RestartReport", ran.stdout);
    expect([ran.status, report.complete]).toEqual([130, true]);
    expect(report.results).toMatchObject([
      { name: "first", outcome: "restarted" },
      { name: "second", outcome: "not-started", code: "interrupted" },
    ]);
    expect(await restarts()).toEqual(["first"]);
  });

  test("Ctrl-C at the question is no answer", async ({ skip }) => {
    if (process.platform !== "linux") {
      const reason = "only the script command of util-linux takes these flags";
      process.stderr.write(`skipped: ${reason}\n`);
      return skip(reason);
    }
    const run = startOnTerminal(["restart", "-n", "shop"], { KUBECONFIG: cluster.kubeconfig });
    await vi.waitFor(async () => expect(await run.screen()).toContain("[y/N]"), {
      timeout: 20_000,
    });
    run.type("\u0003");
    expect(await run.done).toBe(130);
    expect(await run.screen()).toMatch(/\nerror: interrupted before anything was restarted\n/);
    expect(await restarts()).toEqual([]);
  });

  test("a reader that goes away ends nothing: the run goes on, and its record is kept", async () => {
    const folder = mkdtempSync(join(tmpdir(), "istio-upgrade-reader-"));
    try {
      const file = join(folder, "report.json");
      const args = ["restart", "-n", "shop", "--yes", "-o", "jsonl", "--report-file", file];
      const child = spawn(process.execPath, [BIN, ...args], {
        env: { ...process.env, HOME: "/nonexistent", KUBECONFIG: cluster.kubeconfig },
        stdio: ["ignore", "pipe", "pipe"],
      });
      // As `2>&1 | head -1` does.
      child.stdout.once("data", () => child.stdout.destroy());
      child.stderr.once("data", () => child.stderr.destroy());
      expect(await once(child, "close")).toEqual([0, null]);
      const report = parseReport("RestartReport", readFileSync(file, "utf8"));
      expect(report.results.map(({ outcome }) => outcome)).toEqual(["restarted", "restarted"]);
      expect([...(await restarts())].sort()).toEqual(["first", "second"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a result that the disk has no room for is an error, not a stack", async ({ skip }) => {
    if (process.platform !== "linux") {
      const reason = "only Linux has a device that is full";
      process.stderr.write(`skipped: ${reason}\n`);
      return skip(reason);
    }
    const child = spawn(process.execPath, [BIN, "check", "-n", "shop"], {
      env: { ...process.env, HOME: "/nonexistent", KUBECONFIG: cluster.kubeconfig },
      stdio: ["ignore", openSync("/dev/full", "w"), "pipe"],
    });
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    expect(await once(child, "close")).toEqual([1, null]);
    expect(stderr).toMatch(
      /\nerror: the result could not be written to stdout: ENOSPC\nwhat was done stands; [^\n]*\n$/,
    );
  });
});
