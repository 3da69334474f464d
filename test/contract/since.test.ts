import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { grantsOf, nameOf, rulesOf } from "../support/rbac.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import { run, test, untilInjected, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

/** Only this file uses this revision. */
const REVISION = "asm-1-64";
const [OLD, NEW] = [proxyImage("v1.64.1-1"), proxyImage("v1.64.2-1")];

const folder = mkdtempSync(join(tmpdir(), "istio-upgrade-since-"));
const last = join(folder, "last.json");
afterAll(() => rmSync(folder, { recursive: true }));

test("check --since counts what is new, shows what is gone, and always counts gaps", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  await cluster.moveImage(REVISION, OLD);
  const sandbox = await enter({ "istio.io/rev": REVISION });
  await untilInjected(cluster, sandbox, OLD);
  await sandbox.create("deployments", deployment("web"));
  await sandbox.create("deployments", deployment("api"));
  await untilReady(sandbox, 2);
  await cluster.moveImage(REVISION, NEW);
  await untilInjected(cluster, sandbox, NEW);
  const scope = ["-n", sandbox.name];
  const check = async (...flags: readonly string[]) => {
    const ran = await run(cluster, "check", ...scope, "--json", ...flags);
    const { exitCode, exitReasons, since } = parseReport("CheckReport", ran.stdout);
    expect(ran.status).toBe(exitCode);
    return { exitCode, exitReasons, since, result: ran.stderr };
  };
  const before = await check("--report-file", last);
  expect([before.exitCode, before.since]).toEqual([2, undefined]);

  // The file is read before it is written.
  const same = await check("--since", last, "--report-file", last);
  const { generatedAt } = parseReport("CheckReport", readFileSync(last, "utf8"));
  expect(same).toMatchObject({ exitCode: 0, exitReasons: [], since: { new: [], gone: [] } });
  expect(same.result).toMatch(/RESULT exit=0 .* outdated=2 .* new=0 gone=0\n$/);
  const text = await run(cluster, "check", ...scope, "--since", last);
  expect(text.stdout).toContain(`NOTHING NEW SINCE ${generatedAt}\n`);
  expect(text.stdout).toContain("2 workloads, 2 pods: 2 outdated.");

  // One is restarted, one is new, and the other is known.
  expect((await run(cluster, "restart", "deploy/web", ...scope, "--yes")).status).toBe(0);
  await sandbox.create("deployments", deployment("late"));
  await untilReady(sandbox, 3);
  await cluster.moveImage(REVISION, proxyImage("v1.64.3-1"));
  await untilInjected(cluster, sandbox, proxyImage("v1.64.3-1"));
  expect((await run(cluster, "restart", "deploy/web", ...scope, "--yes")).status).toBe(0);
  const changed = await check("--since", last);
  const named = { namespace: sandbox.name, kind: "Deployment" };
  expect(changed).toMatchObject({
    exitCode: 2,
    exitReasons: ["outdated:1"],
    since: {
      generatedAt,
      new: [{ ...named, name: "late", verdict: "outdated", before: null }],
      gone: [{ ...named, name: "web", verdict: "outdated", now: "current" }],
    },
  });
  expect(changed.result).toContain(" new=1 gone=1\n");
  expect(await check("--since", last, "--fail-on", "would-lose")).toMatchObject({ exitCode: 0 });

  // Without the right to list pods, nobody knows what is gone.
  const grants = grantsOf("read-only").filter((grant) => nameOf(grant) !== "list pods");
  const blind = { KUBECONFIG: await cluster.userKubeconfig("since", rulesOf(grants)) };
  const ran = await runProgram(["check", ...scope, "--since", last, "--json"], blind);
  const unread = parseReport("CheckReport", ran.stdout);
  expect([ran.status, unread.exitReasons, unread.since]).toEqual([
    6,
    ["gaps:1"],
    { generatedAt, new: [], gone: [] },
  ]);

  // A failure leaves the report that the next check compares with.
  const lost = { KUBECONFIG: join(folder, "none") };
  const failed = await runProgram(
    ["check", ...scope, "--since", last, "--report-file", last],
    lost,
  );
  expect(failed.status).toBe(1);
  expect(parseReport("CheckReport", readFileSync(last, "utf8")).generatedAt).toBe(generatedAt);
});

test("check --since rejects the report of another cluster or scope", async ({ cluster, enter }) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter({ "istio.io/rev": REVISION });
  await sandbox.create("deployments", deployment("web"));
  await untilReady(sandbox, 1);
  const file = join(folder, "scope.json");
  const errorOf = async (...args: readonly string[]) => {
    const { status, stderr } = await run(cluster, "check", "--since", file, ...args);
    return [status, stderr.split("\n")[0]?.replace(file, "FILE")];
  };
  await run(cluster, "check", "-n", sandbox.name, "-l", "app!=x", "--report-file", file);
  const other = 'error: the report in "FILE" has another scope:';
  expect(await errorOf("-n", sandbox.name)).toEqual([
    64,
    `${other} the selector was app!=x, and now not limited`,
  ]);
  expect(await errorOf("-l", "app!=x")).toEqual([
    64,
    `${other} the namespaces were ${sandbox.name}, and now not limited`,
  ]);
  expect(await errorOf("-n", sandbox.name, "-l", "app!=x", "-i", "istio-system")).toEqual([
    64,
    'error: the report in "FILE" is about the Istio namespace "aks-istio-system", but this check about "istio-system"',
  ]);
  const report = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...report, complete: false }));
  const words = ["check", "--since", file, "-n", sandbox.name, "-l", "app!=x", "--json"];
  const after = await run(cluster, ...words);
  expect(parseReport("CheckReport", after.stdout).notes).toEqual([
    "the earlier report is incomplete: what it could not read counts as new",
  ]);
  const odd = { ...report, scope: { ...report.scope, selector: { toString: 1 } } };
  writeFileSync(file, JSON.stringify(odd));
  expect(await errorOf("-n", sandbox.name, "-l", "app!=x")).toEqual([
    64,
    `${other} the selector was ?, and now app!=x`,
  ]);
  const elsewhere = { ...report, cluster: { ...report.cluster, server: "https://other:6443" } };
  writeFileSync(file, JSON.stringify(elsewhere));
  const [status, error] = await errorOf("-n", sandbox.name, "-l", "app!=x");
  expect([status, error]).toEqual([
    64,
    expect.stringMatching(
      /^error: the report in "FILE" is about https:\/\/other:6443, but this cluster is https:/,
    ),
  ]);
});
