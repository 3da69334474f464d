import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { parse, stringify } from "yaml";
import { daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { runProgram } from "../support/run-program.ts";
import { test, untilReady } from "./sandbox.ts";

/** Returns the suggestions for the last word, and the last line of the output. */
async function complete(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly words: readonly string[]; readonly last: string | undefined }> {
  const { status, stdout, stderr } = await runProgram(["complete", "--", ...words], env);
  expect([status, stderr]).toEqual([0, ""]);
  const lines = stdout.trimEnd().split("\n");
  return {
    words: lines.slice(0, -1).map((line) => line.split("\t")[0] ?? ""),
    last: lines.at(-1),
  };
}

test("namespaces, workloads, pods and revisions are completed from the cluster", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: "asm-1-70", image: "mcr.test/proxyv2:v1.70.1-1" });
  await cluster.setTag("tag-70", "asm-1-70");
  const sandbox = await enter({});
  await sandbox.create("deployments", deployment("web"));
  await untilReady(sandbox, 1);
  await sandbox.create("statefulsets", statefulSet("db"));
  await sandbox.create("daemonsets", daemonSet("agent"));
  const env = { KUBECONFIG: cluster.kubeconfig };
  const words = async (...line: readonly string[]) => (await complete(line, env)).words;
  const inSandbox = ["-n", sandbox.name];

  expect(await words("check", "-n", sandbox.name.slice(0, -1))).toContain(sandbox.name);
  expect(await words("check", `--namespace=default,${sandbox.name}`)).toEqual([
    `default,${sandbox.name}`,
  ]);
  expect(await words("check", "--exclude-namespace", "kube-syst")).toEqual(["kube-system"]);
  expect(await words("restart", ...inSandbox, "")).toEqual(["deploy/web", "sts/db", "ds/agent"]);
  expect(await words("restart", ...inSandbox, "sts/db", "deployments.apps/")).toEqual([
    "deployments.apps/web",
  ]);
  expect(await words("explain", ...inSandbox, "d")).toEqual(["deploy/web", "ds/agent"]);
  expect(await words("explain", ...inSandbox, "pod/web-")).toEqual([
    expect.stringMatching(/^pod\/web-/),
  ]);
  expect(await words("restart", ...inSandbox, "pod/web-")).toEqual([]);
  expect(await words("restart", ...inSandbox, "--in-place", "pod/web-")).toEqual([
    expect.stringMatching(/^pod\/web-/),
  ]);
  expect(await words("explain", ...inSandbox, "deploy/web", "")).toEqual([]);
  expect(await words("revisions", "asm-1-7")).toContain("asm-1-70");
  expect(await words("check", "--revision", "tag-7")).toEqual(["tag-70"]);
  expect(await words("restart", "--allow-revision", "asm-1-70,tag-7")).toEqual(["asm-1-70,tag-70"]);
  expect(await words("move", sandbox.name.slice(0, -1))).toContain(sandbox.name);
  expect(await words("move", sandbox.name, "--to", "tag-7")).toEqual(["tag-70"]);
  expect(await words("move", "--fail-on", "by")).toEqual(["by-hand"]);
  expect(await words("check", "--kubeconfig", cluster.kubeconfig, "--context", "")).toEqual([
    "test",
  ]);
});

test("a completion without permissions is empty, and silent", async ({ cluster }) => {
  const env = { KUBECONFIG: await cluster.userKubeconfig("completer", []) };
  for (const line of [
    ["check", "-n", ""],
    ["restart", "d"],
    ["revisions", ""],
  ]) {
    expect(await complete(line, env)).toEqual({ words: [], last: ":4" });
  }
});

test("a completion whose login hangs is empty after two seconds", async ({ cluster }) => {
  const folder = mkdtempSync(join(tmpdir(), "completion-"));
  const plugin = join(folder, "plugin");
  writeFileSync(plugin, "#!/bin/sh\necho 'To sign in, enter the code ABC' >&2\nsleep 30\n");
  chmodSync(plugin, 0o755);
  const config = parse(readFileSync(cluster.kubeconfig, "utf8")) as {
    readonly users: readonly object[];
  };
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: plugin,
    interactiveMode: "IfAvailable",
  };
  const users = config.users.map((user) => ({ ...user, user: { exec } }));
  const path = join(folder, "config");
  writeFileSync(path, stringify({ ...config, users }));
  const begun = Date.now();
  expect(await complete(["check", "-n", ""], { KUBECONFIG: path })).toEqual({
    words: [],
    last: ":4",
  });
  // The plugin sleeps for 30 seconds. The rest is for a machine under load.
  expect(Date.now() - begun).toBeLessThan(15_000);
  rmSync(folder, { recursive: true });
});
