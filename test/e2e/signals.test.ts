import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { deployment, namespace } from "../support/manifests.ts";
import { type Relay, startRelay } from "../support/relay.ts";
import { parseReport } from "../support/report-schema.ts";
import { COMMAND, preloading, runProgram, startProgram } from "../support/run-program.ts";
import { requireTerminal, startOnTerminal } from "../support/terminal.ts";
import type { TestCluster } from "../support/test-cluster.ts";

const DEPLOYMENTS = "/apis/apps/v1/namespaces/shop/deployments";
const ARGS = ["restart", "-n", "shop", "--yes", "--json", "--max-parallel", "1"];

/**
 * A CI runner kills a process a few seconds after its signal; by then the report must be printed.
 */
const GRACE_PERIOD = 2500;

describe("a restart that ends early", () => {
  let cluster: TestCluster;
  let relay: Relay;

  beforeEach(async () => {
    cluster = await startEmbeddedCluster();
    await cluster.installRevision({ name: "asm-1-27", image: proxyImage("v1.27.7-1") });
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
    await cluster.moveImage("asm-1-27", proxyImage("v1.27.9-6"));
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

  /** Sends the signal and fails if the program does not end in time. */
  async function endWith(running: ReturnType<typeof start>, signal: NodeJS.Signals) {
    const asked = Date.now();
    running.signal(signal);
    const ran = await running.done;
    expect(Date.now() - asked).toBeLessThan(GRACE_PERIOD);
    return ran;
  }

  async function restartedNames(): Promise<readonly string[]> {
    const { body } = await cluster.request("GET", DEPLOYMENTS);
    return body.items
      .filter(({ metadata }: { metadata: { generation: number } }) => metadata.generation > 1)
      .map(({ metadata }: { metadata: { name: string } }) => metadata.name);
  }

  test.for([
    ["SIGINT", 130, "interrupted"],
    ["SIGTERM", 143, "terminated"],
  ] as const)(
    "says that nothing was changed after a %s while it reads",
    async ([signal, status, word]) => {
      relay.stall();
      const running = start();
      await vi.waitFor(() => expect(relay.connections()).toBeGreaterThan(0), { timeout: 20_000 });
      const ran = await endWith(running, signal);
      expect(parseReport("Error", ran.stdout)).toMatchObject({ code: word, exitCode: status });
      expect(ran).toMatchObject({
        status,
        stderr: `error: ${word} before anything was restarted\nnothing was changed: run the command again when you are ready\nRESULT exit=${status} cluster=test error=${word}\n`,
      });
      expect(await restartedNames()).toEqual([]);
    },
  );

  test("reports that the workload may still roll after a SIGTERM while the API server is silent", async () => {
    const running = start();
    await until(running, "first: 0 of 1 new pods ready");
    relay.stall();
    // By then a request is waiting for its answer.
    await new Promise((resolve) => setTimeout(resolve, 800));
    const ran = await endWith(running, "SIGTERM");
    const report = parseReport("RestartReport", ran.stdout);
    expect([ran.status, report.complete]).toEqual([143, false]);
    expect(report.results).toMatchObject([
      {
        name: "first",
        outcome: "still-rolling",
        code: "interrupted",
        message: expect.stringMatching(
          /^may still be rolling: the API server did not answer; last seen: .* 1 old pod still serves$/,
        ),
        cause: { oldPodsReady: 1 },
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
    "reports the restarts and the missing verification after a %s while it verifies",
    async ([signal, status, reason]) => {
      const running = start();
      await until(running, "second: restarting");
      // The verification must take long enough to be interrupted.
      relay.slow(400);
      await until(running, "second: restarted, rolled out");
      const ran = await endWith(running, signal);
      const report = parseReport("RestartReport", ran.stdout);
      expect([ran.status, report.exitReasons]).toEqual([status, [reason, "gaps:1"]]);
      expect(report.results.map(({ outcome }) => outcome)).toEqual(["restarted", "restarted"]);
      expect(report.gaps).toMatchObject([
        { what: "verify restarted workloads", reason: "interrupted" },
      ]);
      expect(report.workloads).toEqual([]);
    },
  );

  test("takes a SIGHUP, which comes when the terminal is closed, for a SIGTERM", async () => {
    const running = start();
    await until(running, "first: restarting");
    const ran = await endWith(running, "SIGHUP");
    const report = parseReport("RestartReport", ran.stdout);
    expect([ran.status, report.results.map(({ code }) => code)]).toEqual([
      143,
      ["interrupted", "interrupted"],
    ]);
  });

  test.for(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "keeps its exit code if a %s comes after the report",
    async (signal) => {
      const atTheEnd = `process.once('beforeExit', () => { process.kill(process.pid, '${signal}'); setTimeout(() => {}, 100); });`;
      const { status, stdout } = await runProgram([...ARGS, "--dry-run"], {
        KUBECONFIG: cluster.kubeconfig,
        ...preloading(atTheEnd),
      });
      expect([status, parseReport("RestartReport", stdout).complete]).toEqual([0, true]);
    },
  );

  test("ends soon on a signal after the report if something keeps it alive", async () => {
    const forever = `process.once('beforeExit', () => { process.kill(process.pid, 'SIGINT'); setInterval(() => {}, 100); });`;
    const { stdout } = await runProgram([...ARGS, "--dry-run"], {
      KUBECONFIG: cluster.kubeconfig,
      ...preloading(forever),
    });
    expect(parseReport("RestartReport", stdout).complete).toBe(true);
  });

  describe("with a report file", () => {
    let folder = "";
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "istio-upgrade-report-"));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    test("leaves a record even if it is killed before the first workload has ended", async () => {
      const file = join(folder, "report.json");
      const running = start("--report-file", file);
      await until(running, "first: restarting");
      running.signal("SIGKILL");
      await running.done;
      expect(parseReport("RestartReport", readFileSync(file, "utf8"))).toMatchObject({
        complete: false,
        steps: [{ name: "first" }, { name: "second" }],
        results: [],
        exitReasons: expect.arrayContaining(["unfinished:2"]),
      });
    });

    test("continues if the file is a pipe that nobody reads, and a signal still ends it", async () => {
      const pipe = join(folder, "pipe");
      execFileSync("mkfifo", [pipe]);
      const running = start("--report-file", pipe);
      await until(running, "second: restarting");
      const ran = await endWith(running, "SIGTERM");
      expect(parseReport("RestartReport", ran.stdout).results).toMatchObject([
        { name: "first", outcome: "restarted" },
        { name: "second", code: "interrupted" },
      ]);
      expect(ran.stderr).toContain(`the report could not be written to "${pipe}": ETIMEDOUT`);
    });
  });

  test("ends at once on a SIGINT during a pause that is longer than the longest timer of Node", async () => {
    const running = start("--pause", "600h");
    await until(running, "first: restarted, rolled out");
    await new Promise((resolve) => setTimeout(resolve, 500));
    const ran = await endWith(running, "SIGINT");
    expect(ran.stderr).not.toContain("TimeoutOverflowWarning");
    expect(parseReport("RestartReport", ran.stdout).results).toMatchObject([
      { name: "first", outcome: "restarted" },
      { name: "second", outcome: "not-started", code: "interrupted" },
    ]);
  });

  test("ends at once on a SIGINT during a pause", async () => {
    const running = start("--pause", "10m");
    await until(running, "first: restarted, rolled out");
    const ran = await endWith(running, "SIGINT");
    const report = parseReport("RestartReport", ran.stdout);
    expect([ran.status, report.complete]).toEqual([130, true]);
    expect(report.results).toMatchObject([
      { name: "first", outcome: "restarted" },
      { name: "second", outcome: "not-started", code: "interrupted" },
    ]);
    expect(await restartedNames()).toEqual(["first"]);
  });

  test("exits 130 on Ctrl-C at the question", async ({ skip }) => {
    requireTerminal(skip);
    const run = startOnTerminal(["restart", "-n", "shop"], { KUBECONFIG: cluster.kubeconfig });
    await vi.waitFor(async () => expect(await run.screen()).toContain("[y/N]"), {
      timeout: 20_000,
    });
    run.type("\u0003");
    expect(await run.done).toBe(130);
    expect(await run.screen()).toMatch(/\nerror: interrupted before anything was restarted\n/);
    expect(await restartedNames()).toEqual([]);
  });

  test("continues and writes the report file if the reader of stdout and stderr goes away", async () => {
    const folder = mkdtempSync(join(tmpdir(), "istio-upgrade-reader-"));
    try {
      const file = join(folder, "report.json");
      const args = ["restart", "-n", "shop", "--yes", "-o", "jsonl", "--report-file", file];
      const [command, ...first] = COMMAND;
      const child = spawn(command, [...first, ...args], {
        env: { ...process.env, HOME: "/nonexistent", KUBECONFIG: cluster.kubeconfig },
        stdio: ["ignore", "pipe", "pipe"],
      });
      // `2>&1 | head -1` does the same.
      child.stdout.once("data", () => child.stdout.destroy());
      child.stderr.once("data", () => child.stderr.destroy());
      expect(await once(child, "close")).toEqual([0, null]);
      const report = parseReport("RestartReport", readFileSync(file, "utf8"));
      expect(report.results.map(({ outcome }) => outcome)).toEqual(["restarted", "restarted"]);
      expect([...(await restartedNames())].sort()).toEqual(["first", "second"]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("prints an error without a stack trace if the disk is full", async ({ skip }) => {
    if (process.platform !== "linux") {
      const reason = "only Linux has /dev/full";
      process.stderr.write(`skipped: ${reason}\n`);
      return skip(reason);
    }
    const [command, ...first] = COMMAND;
    const child = spawn(command, [...first, "check", "-n", "shop"], {
      env: { ...process.env, HOME: "/nonexistent", KUBECONFIG: cluster.kubeconfig },
      stdio: ["ignore", openSync("/dev/full", "w"), "pipe"],
    });
    let stderr = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    expect(await once(child, "close")).toEqual([1, null]);
    expect(stderr).toMatch(
      /\nerror: the result could not be written to stdout: ENOSPC\nnothing was undone; [^\n]*\nRESULT exit=1 cluster=test error=output\n$/,
    );
  });
});
