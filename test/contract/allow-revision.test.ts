import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { eventually, run, type Sandbox, test, untilReady } from "./sandbox.ts";

/** Only this file uses these revisions and this tag. */
const OLD = { name: "asm-1-29", image: proxyImage("v1.29.1-1") };
const NEW = { name: "asm-1-30", image: proxyImage("v1.30.2-1") };
const PATCHED = proxyImage("v1.30.3-1");
const TAG = "nightly";

describe("an unattended restart", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "istio-upgrade-revision-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  async function uids(sandbox: Sandbox): Promise<readonly string[]> {
    return (await sandbox.pods()).map(({ metadata }) => metadata.uid).sort();
  }

  test("changes no revision that nobody allowed, and every printed command does", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision(OLD);
    await cluster.installRevision(NEW);
    await cluster.setTag(TAG, OLD.name);
    const tagged = await enter({ "istio.io/rev": TAG });
    await tagged.create("deployments", deployment("web", { replicas: 2 }));
    await tagged.create("statefulsets", statefulSet("db"));
    await untilReady(tagged, 3);
    const direct = await enter({ "istio.io/rev": NEW.name });
    await direct.create("deployments", deployment("web"));
    await untilReady(direct, 1);
    // Somebody moves the tag, and the nightly patch of the new revision arrives.
    await cluster.setTag(TAG, NEW.name);
    await cluster.moveImage(NEW.name, PATCHED);
    const scope = ["-n", `${tagged.name},${direct.name}`];
    const call = (...args: readonly string[]) => run(cluster, ...args);
    const restart = (...args: readonly string[]) => call("restart", "--json", ...args);

    await eventually(async () => {
      const check = await call("check", ...scope, "--json");
      expect(check.status).toBe(2);
      const report = parseReport("CheckReport", check.stdout);
      expect(report.workloads.map(({ target }) => target?.image)).toEqual(
        report.workloads.map(() => PATCHED),
      );
      expect(report.nextStep).toMatch(/ --allow-revision asm-1-30$/);
    });

    // A dry run shows the same as the run without a person.
    const before = await uids(tagged);
    const planned = await restart(...scope, "--dry-run", "--allow-downtime");
    expect(planned.status).toBe(0);
    const plan = parseReport("RestartReport", planned.stdout);
    expect(plan.steps.map(({ namespace, name }) => [namespace, name])).toEqual([
      [direct.name, "web"],
    ]);
    const left = { verdict: "outdated", restart: "refused", restartCode: "revision-not-allowed" };
    const ran = await restart(...scope, "--yes", "--allow-downtime", "--fail-on", "missing");
    expect(ran.status).toBe(5);
    const report = parseReport("RestartReport", ran.stdout);
    expect(report.exitReasons).toEqual(["revision-not-allowed:2"]);
    expect(report.results).toMatchObject([{ namespace: direct.name, outcome: "restarted" }]);
    for (const found of [plan, report]) {
      const entries = found.workloads.filter(({ namespace }) => namespace === tagged.name);
      expect(entries).toMatchObject([
        { ...left, name: "web", change: "minor", target: { revision: NEW.name } },
        { ...left, name: "db", change: "minor" },
      ]);
      expect(entries[0]).toMatchObject({
        restartReason:
          "a restart would move 2 pods from asm-1-29 to asm-1-30, and --allow-revision does not name asm-1-30",
        nextStep: `istio-upgrade restart deployment/web --namespace ${tagged.name} --allow-revision asm-1-30`,
      });
      expect(entries[1]?.nextStep).toMatch(/ --allow-downtime --allow-revision asm-1-30$/);
    }
    expect(await uids(tagged)).toEqual(before);

    // Names that cannot be meant are wrong usage.
    const unknown = await restart(...scope, "--yes", "--allow-revision", "asm-1-31");
    expect([unknown.status, unknown.stderr]).toEqual([
      64,
      expect.stringMatching(/"asm-1-31" is not an installed revision\nuse one of: .*asm-1-29/),
    ]);
    expect(unknown.stderr).toContain("RESULT exit=64 cluster=test error=usage\n");
    const byTag = await restart(...scope, "--yes", "--allow-revision", TAG);
    expect([byTag.status, byTag.stderr]).toEqual([
      64,
      expect.stringContaining("name the revision that it leads to now: asm-1-30"),
    ]);

    // The printed commands work without a person, too.
    const web = report.workloads.find(({ restart: answer }) => answer === "refused");
    const pasted = web?.nextStep.split(" ").slice(1) ?? [];
    expect(await call(...pasted, "--yes")).toMatchObject({ status: 0 });
    const revisions = await call("revisions", OLD.name);
    const [, printed = ""] = /-> istio-upgrade (restart --.*)/.exec(revisions.stdout) ?? [];
    expect(printed).toContain(`--namespace ${tagged.name} `);
    expect(await call(...printed.split(" "), "--yes")).toMatchObject({ status: 0 });
    expect((await call("check", ...scope)).status).toBe(0);
  }, 180_000);

  test("carries out an approved plan, to an older revision as well", async ({ cluster, enter }) => {
    await cluster.installRevision(OLD);
    await cluster.installRevision(NEW);
    const sandbox = await enter({ "istio.io/rev": NEW.name });
    await sandbox.create("deployments", deployment("web"));
    await untilReady(sandbox, 1);
    await sandbox.relabel({ "istio.io/rev": OLD.name });

    const scope = ["-n", sandbox.name];
    const alone = await run(cluster, "restart", ...scope, "--yes");
    expect(alone.status).toBe(5);
    expect(alone.stdout).toContain("a restart would move 1 pod from asm-1-30 to asm-1-29");
    const dryRun = ["restart", ...scope, "--dry-run", "--allow-revision", OLD.name, "--json"];
    const planned = await run(cluster, ...dryRun);
    const plan = parseReport("RestartReport", planned.stdout);
    expect(plan).toMatchObject({ allowRevisions: [OLD.name], steps: [{ change: "downgrade" }] });
    const file = join(folder, "plan.json");
    writeFileSync(file, planned.stdout);
    const both = await run(cluster, "restart", "--plan", file, "--yes", "--allow-revision", "x");
    expect([both.status, both.stderr]).toEqual([
      64,
      expect.stringContaining("so --allow-revision cannot be used with it"),
    ]);
    const carriedOut = await run(cluster, "restart", "--plan", file, "--yes", "--json");
    expect(carriedOut.status).toBe(0);
    expect(parseReport("RestartReport", carriedOut.stdout).results).toMatchObject([
      { outcome: "restarted", to: { revision: OLD.name } },
    ]);
  });
});
