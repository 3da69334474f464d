import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, vi } from "vitest";
import { parse, stringify } from "yaml";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, run, type Sandbox, test, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const REVISION = "asm-1-93";
const [OLD, NEW] = [proxyImage("v1.93.1-1"), proxyImage("v1.93.2-1")];
const EVERYTHING = [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }];

/** A folder with a kubeconfig whose user logs in in another way. */
function kubeconfigWith(original: string, user: (token: string, folder: string) => object) {
  const folder = mkdtempSync(join(tmpdir(), "istio-upgrade-login-"));
  const config = parse(readFileSync(original, "utf8")) as {
    readonly users: readonly { readonly name: string; readonly user: { readonly token: string } }[];
  };
  const users = config.users.map(({ name, user: { token } }) => ({
    name,
    user: user(token, folder),
  }));
  const path = join(folder, "config");
  writeFileSync(path, stringify({ ...config, users }), { mode: 0o600 });
  return { folder, path };
}

async function createOutdated(cluster: TestCluster, sandbox: Sandbox): Promise<void> {
  const annotations = { "test.istio-upgrade/ready-after": "12s" };
  await sandbox.create("deployments", deployment("first", { annotations }));
  await sandbox.create("deployments", deployment("second"));
  await untilReady(sandbox, 2);
  await cluster.moveImage(REVISION, NEW);
}

/** Restarts until `first` rolls, then calls `lose`. Returns the seconds from there to the end. */
async function restartUntil(kubeconfig: string, sandbox: Sandbox, lose: () => unknown) {
  const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--max-parallel", "1"];
  const running = startProgram(args, { KUBECONFIG: kubeconfig });
  await eventually(async () => expect(running.stderr()).toContain("/deploy/first: restarting"));
  const start = Date.now();
  await lose();
  const ran = await running.done;
  return { ran, seconds: (Date.now() - start) / 1000 };
}

describe("a login that expires while a workload rolls", () => {
  test("ends the run within seconds, says what may still be rolling, and verify then succeeds", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await createOutdated(cluster, sandbox);
    const user = await cluster.userKubeconfig("sleeper", EVERYTHING);
    const { folder, path } = kubeconfigWith(user, (token, place) => {
      writeFileSync(join(place, "token"), token);
      return { tokenFile: join(place, "token") };
    });
    try {
      const { ran, seconds } = await restartUntil(path, sandbox, () =>
        writeFileSync(join(folder, "token"), "expired"),
      );
      expect(seconds).toBeLessThan(8);
      const report = parseReport("RestartReport", ran.stdout);
      const next = expect.stringMatching(
        `^log in again, then: istio-upgrade verify --namespace ${sandbox.name}\\b`,
      );
      expect(report).toMatchObject({
        complete: false,
        results: [
          { name: "first", outcome: "still-rolling", code: "login-expired", nextStep: next },
          { name: "second", outcome: "not-started", code: "login-expired" },
        ],
        gaps: [{ what: "verify restarted workloads", reason: "unauthorized", hint: next }],
      });
      expect(ran.status).toBe(4);
      expect(ran.stderr).toContain("the API server no longer accepts the login");
      expect((await sandbox.get("deployments", "second")).metadata.generation).toBe(1);
    } finally {
      rmSync(folder, { recursive: true });
    }
    await eventually(async () => {
      const { stdout } = await run(cluster, "verify", "-n", sandbox.name, "--json");
      const { workloads } = parseReport("VerifyReport", stdout);
      expect(workloads).toMatchObject([{ name: "first", verdict: "current" }, {}]);
    });
  });

  test("does not run a failing credential plugin again and again", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await createOutdated(cluster, sandbox);
    const user = await cluster.userKubeconfig("clicker", EVERYTHING);
    const { folder, path } = kubeconfigWith(user, (token, place) => {
      const status = `{"token":"${token}","expirationTimestamp":"'$(date -u -d +2seconds +%FT%TZ)'"}`;
      const script = `#!/bin/sh
echo run >> ${place}/runs
test -e ${place}/expired && exit 1
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":${status}}'
`;
      writeFileSync(join(place, "plugin"), script, { mode: 0o755 });
      const apiVersion = "client.authentication.k8s.io/v1";
      return { exec: { apiVersion, command: join(place, "plugin"), interactiveMode: "Never" } };
    });
    try {
      let before = 0;
      const runs = () => readFileSync(join(folder, "runs"), "utf8").split("\n").length - 1;
      const { ran, seconds } = await restartUntil(path, sandbox, () => {
        before = runs();
        appendFileSync(join(folder, "expired"), "");
      });
      expect(seconds).toBeLessThan(8);
      const { results } = parseReport("RestartReport", ran.stdout);
      expect(results.map(({ code }) => code)).toEqual(["login-expired", "login-expired"]);
      expect(results[0]?.message).toContain("plugin failed with exit code 1");
      expect(runs() - before).toBeLessThanOrEqual(2);
      expect(ran.status).toBe(4);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

test("a permission that is withdrawn while a workload rolls ends the run within seconds", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter({ "istio.io/rev": REVISION });
  await createOutdated(cluster, sandbox);
  const kubeconfig = await cluster.userKubeconfig("leaver", EVERYTHING);
  const { ran, seconds } = await restartUntil(kubeconfig, sandbox, () =>
    cluster.userKubeconfig("leaver", []),
  );
  expect(seconds).toBeLessThan(10);
  const report = parseReport("RestartReport", ran.stdout);
  expect(report).toMatchObject({
    complete: false,
    results: [
      {
        name: "first",
        outcome: "still-rolling",
        code: "permission-lost",
        message: expect.stringContaining("cannot get resource"),
        nextStep: expect.stringContaining(
          "ask for the permission again, then: istio-upgrade verify",
        ),
      },
      { name: "second", outcome: "not-started", code: "permission-lost" },
    ],
  });
  expect(ran.status).toBe(4);
});
