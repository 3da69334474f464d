import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parse, stringify } from "yaml";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { requireTerminal, startOnTerminal } from "../support/terminal.ts";
import type { TestCluster } from "../support/test-cluster.ts";

let cluster: TestCluster;
let folder: string;
beforeAll(async () => {
  cluster = await startEmbeddedCluster();
  await cluster.installRevision({ name: "asm-1-27", image: "mcr.test/proxyv2:v1.27.7-1" });
  folder = mkdtempSync(join(tmpdir(), "login-"));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await cluster.stop();
});

/** Writes the cluster's kubeconfig with a plugin that asks for a password. */
function writeKubeconfig(): string {
  const config = parse(readFileSync(cluster.kubeconfig, "utf8")) as {
    readonly users: { readonly user: object }[];
  };
  const [{ user } = { user: {} }] = config.users;
  const plugin = join(folder, "plugin");
  writeFileSync(
    plugin,
    `#!/bin/sh
    printf 'Password: ' >&2
    read -r password
    echo "Welcome, $password" >&2
    echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",' \\
      '"status":{"token":"${(user as { token: string }).token}"}}'`,
    { mode: 0o755 },
  );
  const exec = {
    apiVersion: "client.authentication.k8s.io/v1",
    command: plugin,
    interactiveMode: "Always",
  };
  const path = join(folder, "config");
  const users = config.users.map((one) => ({ ...one, user: { exec } }));
  writeFileSync(path, stringify({ ...config, users }));
  return path;
}

test("a credential plugin can ask for a password in the terminal", async ({ skip }) => {
  requireTerminal(skip);
  const run = startOnTerminal(["check"], { KUBECONFIG: writeKubeconfig() });
  await vi.waitFor(async () => expect(await run.screen()).toBe("Password:"), { timeout: 20_000 });
  run.type("sesame\r");
  expect(await run.done).toBe(0);
  const screen = await run.screen();
  expect(screen).toContain("Welcome, sesame");
  expect(screen).toContain("RESULT exit=0");
});
