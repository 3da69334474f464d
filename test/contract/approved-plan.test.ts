import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect } from "vitest";
import type { RestartReport } from "../../src/report/document.ts";
import { planHash } from "../../src/report/entries.ts";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, RESTARTED_AT, run, type Sandbox, test, untilReady } from "./sandbox.ts";

const REVISION = "asm-1-61";
const [OLD, NEW, NEWER] = [
  proxyImage("v1.61.1-1"),
  proxyImage("v1.61.2-1"),
  proxyImage("v1.61.3-1"),
];

describe("an approved plan", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "istio-upgrade-plan-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /**
   * Creates a namespace whose workloads are all outdated, and writes a plan for them into a file.
   */
  async function createPlan(
    cluster: TestCluster,
    enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
    names: readonly string[],
  ) {
    await cluster.installRevision({ name: REVISION, image: OLD });
    await cluster.moveImage(REVISION, OLD);
    const sandbox = await enter({ "istio.io/rev": REVISION });
    for (const name of names) await sandbox.create("deployments", deployment(name));
    await untilReady(sandbox, names.length);
    await cluster.moveImage(REVISION, NEW);
    const ran = await run(cluster, "restart", "-n", sandbox.name, "--dry-run", "-o", "json");
    expect(ran.status).toBe(0);
    const plan = parseReport("RestartReport", ran.stdout);
    const file = join(folder, `${sandbox.name}.json`);
    writeFileSync(file, ran.stdout);
    return { sandbox, plan, file, content: ran.stdout };
  }

  /** Returns the same plan for another cluster. */
  function forOtherCluster(plan: RestartReport): string {
    const other = { ...plan, cluster: { ...plan.cluster, server: "https://prod:443" } };
    return JSON.stringify({ ...other, plan: planHash(other) });
  }

  /** Returns the restart times in the workloads' annotations. */
  async function restartTimes(sandbox: Sandbox, names: readonly string[]) {
    return Promise.all(
      names.map(async (name) => {
        const { spec } = await sandbox.get("deployments", name);
        return spec.template.metadata.annotations?.[RESTARTED_AT];
      }),
    );
  }

  test("is the next step of its own dry run", async ({ cluster, enter }) => {
    const { file, sandbox } = await createPlan(cluster, enter, ["web"]);
    for (const mode of ["--dry-run", "--dry-run=server"]) {
      const ran = await run(cluster, "restart", "--plan", file, mode, "--json");
      const { nextStep } = parseReport("RestartReport", ran.stdout);
      expect([ran.status, nextStep]).toEqual([0, `istio-upgrade restart --plan ${file}`]);
    }
    const words = ["restart", "--plan", file, "--yes", "--json"];
    const { results } = parseReport("RestartReport", (await run(cluster, ...words)).stdout);
    expect(results.map(({ name, outcome }) => [name, outcome])).toEqual([["web", "restarted"]]);
    expect(await restartTimes(sandbox, ["web"])).not.toContain(undefined);
  });

  test("is carried out only for workloads that did not change", async ({ cluster, enter }) => {
    const names = ["current", "edited", "gone", "recreated", "rest"];
    const { sandbox, plan, file } = await createPlan(cluster, enter, names);
    expect(plan.steps.map(({ name, verdict }) => [name, verdict])).toEqual(
      names.map((name) => [name, "outdated"]),
    );
    const remove = (name: string) => cluster.request("DELETE", sandbox.path("deployments", name));
    await sandbox.restart("deployments", "current", "2026-11-24T00:00:00Z");
    // The old pod stays until the new pod is ready, which takes longer than this test.
    const slow = { "test.istio-upgrade/ready-after": "10m" };
    const template = { metadata: { annotations: slow } };
    await sandbox.patch("deployments", "edited", { spec: { template } });
    await remove("gone");
    await remove("recreated");
    await eventually(async () => {
      expect((await sandbox.pods()).map(({ metadata }) => metadata.labels.app)).not.toContain(
        "recreated",
      );
    });
    await sandbox.create("deployments", deployment("recreated"));
    await eventually(async () => {
      const { status } = await sandbox.get("deployments", "current");
      expect([status.updatedReplicas, status.replicas, status.availableReplicas]).toEqual([
        1, 1, 1,
      ]);
      expect((await sandbox.get("deployments", "recreated")).status.availableReplicas).toBe(1);
    });

    const ran = await run(cluster, "restart", "--plan", file, "--yes", "--json");
    expect(ran.stderr).toContain("RESULT exit=2");
    const report = parseReport("RestartReport", ran.stdout);
    expect(report.plan).toBe(plan.plan);
    expect(report.steps).toEqual(plan.steps);
    const endings = report.results.map(({ name, outcome, code }) => [name, outcome, code]);
    expect(endings.sort()).toEqual([
      ["current", "skipped", "already-current"],
      ["edited", "skipped", "template-changed"],
      ["gone", "skipped", "gone"],
      ["recreated", "skipped", "recreated"],
      ["rest", "restarted", "rolled-out"],
    ]);
    // The workload that was not restarted is still outdated, and the report says so.
    expect([ran.status, report.exitReasons]).toEqual([2, ["outdated:1"]]);
    expect(await restartTimes(sandbox, ["edited", "recreated"])).toEqual([undefined, undefined]);
  });

  test("is carried out in the other namespaces if one was deleted", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    await cluster.moveImage(REVISION, OLD);
    const [gone, rest] = [
      await enter({ "istio.io/rev": REVISION }),
      await enter({ "istio.io/rev": REVISION }),
    ];
    for (const sandbox of [gone, rest]) {
      await sandbox.create("deployments", deployment("web"));
      await untilReady(sandbox, 1);
    }
    await cluster.moveImage(REVISION, NEW);
    const both = `${gone.name},${rest.name}`;
    const planned = await run(cluster, "restart", "-n", both, "--dry-run", "-o", "json");
    const file = join(folder, "gone-namespace.json");
    writeFileSync(file, planned.stdout);
    await gone.remove();
    await eventually(async () => {
      const answer = await cluster.request("GET", `/api/v1/namespaces/${gone.name}`);
      expect(answer.status).toBe(404);
    });
    const ran = await run(cluster, "restart", "--plan", file, "--yes", "--json");
    expect(parseReport("RestartReport", ran.stdout).results).toMatchObject([
      { namespace: gone.name, outcome: "skipped", code: "gone" },
      { namespace: rest.name, outcome: "restarted" },
    ]);
    expect(ran.status).toBe(0);
  });

  test("is not carried out if the target image has changed", async ({ cluster, enter }) => {
    const { sandbox, file } = await createPlan(cluster, enter, ["a", "b"]);
    await cluster.moveImage(REVISION, NEWER);
    const ran = await run(cluster, "restart", "--plan", file, "--yes", "--json");
    const report = parseReport("RestartReport", ran.stdout);
    expect(report.results).toMatchObject([
      { name: "a", outcome: "skipped", code: "target-moved" },
      { name: "b", outcome: "skipped", code: "target-moved" },
    ]);
    expect(report.results[0]?.message).toContain(`would get ${NEWER} of ${REVISION}`);
    expect([ran.status, report.exitReasons]).toEqual([2, ["target-moved:2", "outdated:2"]]);
    expect(await restartTimes(sandbox, ["a", "b"])).toEqual([undefined, undefined]);
  });

  test("may be re-encoded by an editor on Windows, but not changed", async ({ cluster, enter }) => {
    const { sandbox, plan, content } = await createPlan(cluster, enter, ["a"]);
    const from = async (text: string | Buffer) => {
      const file = join(folder, "given.json");
      writeFileSync(file, text);
      return run(cluster, "restart", "--plan", file, "--yes");
    };
    const refused: readonly (readonly [text: string, message: string])[] = [
      [content.replace('"name": "a"', '"name": "b"'), "was changed after it was made"],
      [content.replace('"allowDowntime": false', '"allowDowntime": true'), "was changed after"],
      [content.replace('"include": []', '"include": ["unhealthy"]'), "was changed after"],
      [content.replaceAll(plan.cluster.server, "https://prod:443"), "was changed after"],
      [forOtherCluster(plan), "was made for https://prod:443"],
      ["{", "it is not JSON"],
      ["null", "is not a plan"],
      [content.replace('"kind": "RestartReport"', '"kind": "CheckReport"'), "is not a plan"],
    ];
    for (const [text, message] of refused) {
      const ran = await from(text);
      expect([ran.status, ran.stdout]).toEqual([64, ""]);
      expect(ran.stderr).toContain(message);
    }
    expect(await restartTimes(sandbox, ["a"])).toEqual([undefined]);

    // Windows PowerShell redirects output into UTF-16 files with CRLF and a byte order mark.
    const ran = await from(Buffer.from(`\uFEFF${content.replaceAll("\n", "\r\n")}`, "utf16le"));
    expect(ran.stderr).toContain("RESULT exit=0");
    const again = await from(`\uFEFF${content.replaceAll("\n", "\r\n")}`);
    expect(again.stderr).toContain("RESULT exit=0");
    expect(await restartTimes(sandbox, ["a"])).not.toEqual([undefined]);
  });
});
