import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type EmbeddedCluster, startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { type Member, writeFleetKubeconfig } from "../support/fleet-kubeconfig.ts";
import { startRelay } from "../support/relay.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram, startProgram } from "../support/run-program.ts";
import { requireTerminal, startOnTerminal } from "../support/terminal.ts";

let one: EmbeddedCluster;
let two: EmbeddedCluster;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fleet-"));
  [one, two] = await Promise.all([startEmbeddedCluster(), startEmbeddedCluster()]);
  const revision = { name: "asm-1-27", image: "mcr.test/proxyv2:v1.27.7-1" };
  await Promise.all([one.installRevision(revision), two.installRevision(revision)]);
});
afterAll(async () => {
  await Promise.all([one.stop(), two.stop()]);
  rmSync(folder, { recursive: true });
});

let files = 0;

async function environment(members: Readonly<Record<string, Member>>) {
  const file = join(folder, `${(files += 1)}.kubeconfig`);
  await writeFleetKubeconfig(file, members);
  return { KUBECONFIG: file };
}

const both = () => ({ one: { kubeconfig: one.kubeconfig }, two: { kubeconfig: two.kubeconfig } });

describe("a fleet that is interrupted", () => {
  test.each([
    ["SIGINT", 130, "interrupted"],
    ["SIGTERM", 143, "terminated"],
  ] as const)("by a %s reports the clusters that were read", async (signal, status, code) => {
    const relay = await startRelay(two.kubeconfig);
    relay.stall();
    const report = join(folder, `${signal}.json`);
    const env = await environment({ ...both(), stalled: { kubeconfig: relay.kubeconfig } });
    const args = ["check", "--context", "one,stalled", "--json", "--report-file", report];
    const running = startProgram(args, env);
    await vi.waitFor(() => expect(running.stderr()).toContain("one: ok"), { timeout: 20_000 });
    running.signal(signal);
    const ran = await running.done;
    const document = parseReport("FleetReport", ran.stdout);
    expect([ran.status, document.exitCode]).toEqual([status, status]);
    expect(document.clusters).toMatchObject([
      { kind: "CheckReport", cluster: { context: "one" } },
      { kind: "Error", cluster: { context: "stalled" }, code },
    ]);
    expect(document.exitReasons).toEqual(["interrupted:1"]);
    expect(ran.stderr).toMatch(
      new RegExp(`^RESULT exit=${status} clusters=2 unreachable=0 interrupted=1 `, "m"),
    );
    expect(readFileSync(report, "utf8")).toBe(ran.stdout);
    await relay.stop();
  });
});

describe("wrong flags", () => {
  test.each<[args: readonly string[], message: string]>([
    [["check", "--context", "one,nope"], 'error: --context "nope" matches no context\n'],
    [
      ["status", "--context", "o*", "--context", "x*"],
      'error: --context "x*" matches no context\n',
    ],
    [["verify", "--all-contexts", "--exclude-context", "*"], "error: --exclude-context leaves no"],
    [["revisions", "--all-contexts", "--context", "one"], "error: --context and --all-contexts"],
    [["check", "--all-contexts", "--max-clusters", "none"], 'error: --max-clusters "none" is not'],
    [
      ["revisions", "asm-1-27", "--assert-unused", "--context", "one,two"],
      "error: --assert-unused is about a revision of one cluster\n",
    ],
    [["restart", "-A", "--context", "one", "--context", "two"], "error: --context is given twice"],
    [
      ["explain", "deploy/web", "--all-contexts"],
      "this command takes one cluster: write --context",
    ],
    [
      ["check", "--all-contexts", "--since", "a.json"],
      "error: --since compares with the report of",
    ],
  ])("%j exit 64", async (args, message) => {
    const ran = await runProgram(args, await environment(both()));
    expect([ran.status, ran.stdout]).toEqual([64, ""]);
    expect(ran.stderr).toContain(message);
  });
});

test("one context that matches a pattern is a fleet; the name of one is not", async () => {
  const env = await environment({ ...both(), "a,b": { kubeconfig: one.kubeconfig } });
  const kindOf = async (...args: readonly string[]) =>
    (JSON.parse((await runProgram(["check", "--json", ...args], env)).stdout) as { kind: string })
      .kind;
  expect(await kindOf("--context", "one")).toBe("CheckReport");
  expect(await kindOf("--context", "on?")).toBe("FleetReport");
  expect(await kindOf("--context", "one,")).toBe("FleetReport");
  expect(await kindOf("--context", "a,b")).toBe("CheckReport");
});

describe("credential plugins", () => {
  /** Returns the entry of a user whose plugin writes its runs to a log, and to stderr. */
  function plugin(log: string, user: string, cluster: EmbeddedCluster, mode: string): object {
    const config = JSON.parse(readFileSync(cluster.kubeconfig, "utf8")) as {
      readonly users: readonly [{ readonly user: { readonly token: string } }];
    };
    const command = join(folder, `${user}-plugin`);
    const credential = {
      apiVersion: "client.authentication.k8s.io/v1",
      kind: "ExecCredential",
      status: { token: config.users[0].user.token },
    };
    const script = [
      "#!/bin/sh",
      `echo "begin ${user}" >> '${log}'`,
      `echo 'Welcome, ${user}' >&2`,
      "sleep 0.3",
      `echo "end ${user}" >> '${log}'`,
      `echo '${JSON.stringify(credential)}'`,
    ];
    writeFileSync(command, `${script.join("\n")}\n`, { mode: 0o755 });
    const apiVersion = credential.apiVersion;
    return { exec: { apiVersion, command, interactiveMode: mode } };
  }

  test("run once for each user, and their messages name the cluster", async () => {
    const log = join(folder, "shared.log");
    writeFileSync(log, "");
    const user = plugin(log, "jane", one, "Never");
    // The same cluster at another address.
    const relay = await startRelay(one.kubeconfig);
    const env = await environment({
      one: { kubeconfig: one.kubeconfig, user, userName: "jane" },
      relayed: { kubeconfig: relay.kubeconfig, user, userName: "jane" },
    });
    const ran = await runProgram(["check", "--all-contexts", "--json"], env);
    await relay.stop();
    const { clusters } = parseReport("FleetReport", ran.stdout);
    expect(clusters.map(({ kind }) => kind)).toEqual(["CheckReport", "CheckReport"]);
    expect(ran.stderr).toMatch(/^(?:one|relayed): Welcome, jane$/m);
    expect(readFileSync(log, "utf8")).toBe("begin jane\nend jane\n");
  });

  test("that may prompt run one at a time, below the name of their cluster", async ({ skip }) => {
    requireTerminal(skip);
    const log = join(folder, "prompts.log");
    const env = await environment({
      one: { kubeconfig: one.kubeconfig, user: plugin(log, "ann", one, "IfAvailable") },
      two: { kubeconfig: two.kubeconfig, user: plugin(log, "bob", two, "IfAvailable") },
    });
    const run = startOnTerminal(["check", "--all-contexts"], env);
    expect(await run.done).toBe(0);
    const screen = await run.screen();
    expect(screen).toContain('one: logging in as "one"\nWelcome, ann');
    expect(screen).toContain('two: logging in as "two"\nWelcome, bob');
    const [first = "", second = ""] = readFileSync(log, "utf8").split(/(?<=end \w+)\n/);
    expect([first, second].map((text) => text.replaceAll(/ann|bob/g, "X"))).toEqual([
      "begin X\nend X",
      "begin X\nend X",
    ]);
  });
});
