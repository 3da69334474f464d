import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect } from "vitest";
import type { ResultEntry } from "../../src/report/document.ts";
import { workloadPath } from "../../src/report/events.ts";
import { proxyImage } from "../support/build/pod-group.ts";
import { pageHeadline, pageRows, parsePage, shownText } from "../support/html-page.ts";
import { pod, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, run, type Sandbox, test, untilReady } from "./sandbox.ts";
import { createLagging } from "./lagging.ts";

const REVISION = "asm-1-85";
const [OLD, NEW] = [proxyImage("v1.85.1-1"), proxyImage("v1.85.2-1")];
const MOVED = { name: REVISION, from: OLD, to: NEW };

const FOLDER = mkdtempSync(join(tmpdir(), "istio-upgrade-html-"));
afterAll(() => rmSync(FOLDER, { recursive: true }));
const pageIn = (file: string) => parsePage(readFileSync(file, "utf8"));

/** A namespace with outdated Deployments. */
function lagging(
  cluster: TestCluster,
  enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
  names: readonly string[],
  readyAfter?: string,
): Promise<Sandbox> {
  return createLagging(cluster, enter, MOVED, names, readyAfter);
}

/** The seconds from a restart to a time. */
function secondsTo({ startedAt }: ResultEntry, time: string | null): number {
  return Math.round((Date.parse(time ?? "") - Date.parse(startedAt ?? "")) / 1000);
}

/** The seconds of a time that the timeline shows, such as `+1m 5s`. */
function shownSeconds(text: string): number {
  const [, minutes = "0", seconds = ""] = /^\+(?:(\d+)m )?(\d+)s$/.exec(text) ?? [];
  return Number(minutes) * 60 + Number(seconds);
}

describe("the page of a check", () => {
  test("shows each workload of the JSON document, and its numbers", async ({ cluster, enter }) => {
    const sandbox = await lagging(cluster, enter, ["a", "b"]);
    await sandbox.create("statefulsets", statefulSet("db", { replicas: 1 }));
    await sandbox.create("pods", pod("bare"));
    await untilReady(sandbox, 6);
    const file = join(FOLDER, "check.html");
    const ran = await run(cluster, "check", "-n", sandbox.name, "--json", "--report-file", file);
    const report = parseReport("CheckReport", ran.stdout);
    const page = pageIn(file);

    const rows = pageRows(page, "Workloads").map(([name, namespace, chips = ""]) => [
      `${namespace}/${name}`,
      chips.split(" ")[0],
    ]);
    const expected = report.workloads.map((entry) => [workloadPath(entry), entry.verdict]);
    expect(expected).toHaveLength(4);
    expect(rows.toSorted()).toEqual(expected.toSorted());

    const { byVerdict } = report.summary;
    const [numbers] = pageRows(page, "Workloads by namespace");
    const counts = Object.entries(byVerdict).map(([verdict, number]) => `${number} ${verdict}`);
    expect(numbers?.[0]).toBe(sandbox.name);
    expect(counts.filter((text) => !numbers?.[4]?.includes(text))).toEqual([]);

    const pods = pageRows(page, "Pods by revision and version");
    expect(pods.map(([sidecar, , , all]) => [sidecar, all])).toContainEqual([
      `${REVISION} v1.85.1-1`,
      "4",
    ]);
    expect(pageHeadline(page)).toMatchObject({ tone: "warning" });
    expect(shownText(page)).toContain(report.nextStep);
  });

  test("with --output html is the same page", async ({ cluster, enter }) => {
    const sandbox = await lagging(cluster, enter, ["a"]);
    const file = join(FOLDER, "both.html");
    const args = ["check", "-n", sandbox.name, "--output", "html", "--report-file", file];
    const ran = await run(cluster, ...args);
    expect(ran.status).toBe(2);
    expect(ran.stdout).toBe(readFileSync(file, "utf8"));
    expect(ran.stderr).toMatch(/^RESULT exit=2 /m);
  });

  test("replaces an older one if the command fails", async ({ cluster }) => {
    const file = join(FOLDER, "failed.html");
    writeFileSync(file, "Every sidecar in scope is on target");
    const args = ["check", "-n", "no-such-namespace", "--report-file", file];
    const ran = await run(cluster, ...args);
    expect(ran.status).toBe(1);
    expect(pageHeadline(pageIn(file))).toEqual({ tone: "incomplete", text: "The command failed" });
  });
});

describe("the page of a restart", () => {
  test("has the rollouts of each wave with their times, the soak and the gate", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await lagging(cluster, enter, ["a", "b", "c"], "1s");
    const gate = join(FOLDER, "gate");
    writeFileSync(gate, "#!/bin/sh\necho '<b>fine</b>'\n", { mode: 0o755 });
    const file = join(FOLDER, "restart.html");
    const waves = ["--waves", "1", "--soak", "1s", "--gate", gate];
    const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--report-file", file];
    const ran = await run(cluster, ...args, ...waves);
    expect(ran.status).toBe(0);
    const { results, waves: parts } = parseReport("RestartReport", ran.stdout);
    expect(results.map(({ outcome }) => outcome)).toEqual(["restarted", "restarted", "restarted"]);
    for (const { startedAt, firstPodAt, readyAt, finishedAt } of results) {
      const times = [startedAt, firstPodAt, readyAt, finishedAt];
      expect(times).not.toContain(null);
      expect(times.toSorted()).toEqual(times);
      // The pods are not ready before a second has passed.
      expect(Date.parse(readyAt ?? "") - Date.parse(startedAt ?? "")).toBeGreaterThanOrEqual(1000);
    }

    const page = pageIn(file);
    const rows = pageRows(page, "Timeline");
    const titles = rows.flatMap((row) => (row.length === 1 ? row : []));
    expect(titles).toEqual([
      "Wave 1 of 2: 1 of 1 workload done",
      "Wave 2 of 2: 2 of 2 workloads done",
    ]);
    for (const result of results) {
      const { startedAt, firstPodAt, readyAt, finishedAt } = result;
      const [, , started, ...rest] = rows.find(([name]) => name === workloadPath(result)) ?? [];
      expect(started).toBe(startedAt?.slice(11, 19));
      expect(rest.slice(0, 3).map(shownSeconds)).toEqual(
        [firstPodAt, readyAt, finishedAt].map((time) => secondsTo(result, time)),
      );
      expect(rest[3]).toBe("restarted");
    }
    const checks = rows.filter(([name = ""]) => /^(?:Soak|Gate)\b/.test(name));
    expect(checks.map(([name, , started]) => [name, started])).toEqual(
      parts.flatMap(({ soak, gate: asked }) => [
        ["Soak", soak?.startedAt.slice(11, 19)],
        [`Gate ${gate}`, asked?.startedAt.slice(11, 19)],
      ]),
    );
    expect(checks[1]?.at(-1)).toContain("<b>fine</b>");
    expect(pageHeadline(page)).toEqual({ tone: "good", text: "3 workloads were restarted" });
  });

  test("says that the run has not ended, as long as it runs", async ({ cluster, enter }) => {
    const sandbox = await lagging(cluster, enter, ["a", "b"], "2s");
    const file = join(FOLDER, "running.html");
    const running = startProgram(
      ["restart", "-n", sandbox.name, "--yes", "--max-parallel", "1", "--report-file", file],
      { KUBECONFIG: cluster.kubeconfig },
    );
    await eventually(async () => expect(running.stderr()).toContain("deploy/b: restarting"));
    running.signal("SIGKILL");
    await running.done;
    expect(pageHeadline(pageIn(file))).toEqual({
      tone: "incomplete",
      text: "In progress: 1 of 2 workloads are done",
    });
  });
});
