import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { type ConnectionHost, loadConnection } from "../../../src/connection/kubeconfig.ts";

// `test/connection` compares the meaning of kubeconfigs with kubectl. These tests are about timing.

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "kubeconfig-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const SETTINGS = { context: undefined, as: undefined, asGroups: [], requestTimeout: 1000 };

function write(name: string, content: string, mode = 0o600): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode });
  return path;
}

function open(user: object, host?: ConnectionHost) {
  const kubeconfig = write(
    "config",
    stringify({
      clusters: [
        { name: "one", cluster: { server: "https://api.test", "insecure-skip-tls-verify": true } },
      ],
      users: [{ name: "one", user }],
      contexts: [{ name: "one", context: { cluster: "one", user: "one" } }],
      "current-context": "one",
    }),
  );
  return loadConnection({ ...SETTINGS, kubeconfig }, { PATH: process.env["PATH"] }, host);
}

describe("a token in a file", () => {
  const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

  test("is read again for each request", async () => {
    const token = write("token", "first\n");
    const { authorize } = await open({ tokenFile: "token" });
    const before = await authorize();
    expect(before).toMatchObject(bearer("first"));
    expect(await authorize()).toBe(before);
    writeFileSync(token, "second\n");
    expect(await authorize()).toMatchObject(bearer("second"));
  });

  test("stays valid while the file is missing or empty", async () => {
    const token = write("token", "first\n");
    const { authorize } = await open({ tokenFile: "token" });
    rmSync(token);
    expect(await authorize()).toMatchObject(bearer("first"));
    writeFileSync(token, "");
    expect(await authorize()).toMatchObject(bearer("first"));
    writeFileSync(token, "second");
    expect(await authorize()).toMatchObject(bearer("second"));
  });
});

describe("in a pod", () => {
  const ENV = { KUBECONFIG: "", HOME: "/nonexistent", KUBERNETES_SERVICE_PORT: "443" };
  const inPod = (host: string) => {
    const serviceAccountFolder = dirname(write("account/token", "first\n"));
    const env = { ...ENV, KUBERNETES_SERVICE_HOST: host };
    return loadConnection({ ...SETTINGS, kubeconfig: undefined }, env, { serviceAccountFolder });
  };

  test("the token of the service account is read again for each request", async () => {
    write("account/ca.crt", "the authority");
    write("account/namespace", "agents\n");
    const connection = await inPod("10.0.0.1");
    expect(connection).toMatchObject({
      context: "in-cluster",
      namespace: "agents",
      inCluster: true,
    });
    expect(connection.server.href).toBe("https://10.0.0.1/");
    expect(await connection.authorize()).toMatchObject({
      ca: "the authority",
      headers: { Authorization: "Bearer first" },
    });
    write("account/token", "second\n");
    expect(await connection.authorize()).toMatchObject({
      headers: { Authorization: "Bearer second" },
    });
  });

  test("the server address has an IPv6 address in brackets", async () => {
    const { server, namespace } = await inPod("fd00::1");
    expect([server.href, namespace]).toEqual(["https://[fd00::1]/", "default"]);
  });
});

describe("a credential plugin", () => {
  const EXPIRES = Date.parse("2026-01-01T01:00:00Z");

  /** Writes a plugin that prints the number of its runs as its token. */
  function plugin(more: object = {}, status: string): object {
    write(
      "plugin",
      `#!/bin/sh
      echo "$KUBERNETES_EXEC_INFO" >> "${folder}/told"
      sleep 0.1
      test ! -e "${folder}/broken" || exit 1
      echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",' \\
        '"status":{${status}"token":"'$(wc -l < "${folder}/told" | tr -d ' ')'"}}'`,
      0o755,
    );
    const apiVersion = "client.authentication.k8s.io/v1";
    return { exec: { apiVersion, command: "./plugin", interactiveMode: "IfAvailable", ...more } };
  }
  const told = () => readFileSync(join(folder, "told"), "utf8").trimEnd().split("\n");
  const tokenOf = ({ headers }: { headers?: unknown }) =>
    (headers as Record<string, string>)["Authorization"]?.replace("Bearer ", "");

  test("runs once for concurrent requests, and its credentials are reused", async () => {
    const { authorize } = await open(plugin({}, ""));
    const all = await Promise.all(Array.from({ length: 10 }, () => authorize()));
    expect(new Set([...all, await authorize()]).size).toBe(1);
    expect(told()).toHaveLength(1);
  });

  test("runs once more for all requests that were rejected", async () => {
    const { authorize } = await open(plugin({}, ""));
    const first = await authorize();
    const again = await Promise.all(Array.from({ length: 10 }, () => authorize(first)));
    expect(again.map(tokenOf)).toEqual(again.map(() => "2"));
    // A request that is rejected later gets the new credentials.
    expect(tokenOf(await authorize(first))).toBe("2");
    expect(told()).toHaveLength(2);
  });

  test("runs again when its credentials expire", async () => {
    let now = EXPIRES;
    const status = `"expirationTimestamp":"${new Date(EXPIRES).toISOString()}",`;
    const { authorize } = await open(plugin({}, status), { now: () => now });
    expect([tokenOf(await authorize()), tokenOf(await authorize())]).toEqual(["1", "1"]);
    now += 1;
    expect(tokenOf(await authorize())).toBe("2");
  });

  test("runs again a minute after it failed, not for each request", async () => {
    let now = EXPIRES;
    const { authorize } = await open(plugin({}, ""), { now: () => now });
    const broken = write("broken", "");
    await expect(Promise.all([authorize(), authorize()])).rejects.toMatchObject({
      name: "CannotRun",
      message: expect.stringContaining("failed with exit code 1") as string,
    });
    rmSync(broken);
    now += 59_999;
    await expect(authorize()).rejects.toMatchObject({ name: "CannotRun" });
    expect(told()).toHaveLength(1);
    now += 1;
    expect(tokenOf(await authorize())).toBe("2");
  });

  test.each([
    ["IfAvailable", true, true],
    ["IfAvailable", false, false],
    ["Never", true, false],
    ["Always", true, true],
  ])(
    "with interactiveMode %s, at a terminal: %s, can prompt: %s",
    async (interactiveMode, terminal, may) => {
      const calls: string[] = [];
      const pauseProgress = () => {
        calls.push("pause");
        return () => calls.push("resume");
      };
      const host = { terminal, pauseProgress };
      const { authorize } = await open(plugin({ interactiveMode }, ""), host);
      await authorize();
      expect(JSON.parse(told()[0] ?? "")).toMatchObject({ spec: { interactive: may } });
      // The plugin has the terminal to itself.
      expect(calls).toEqual(["pause", "resume"]);
    },
  );
});
