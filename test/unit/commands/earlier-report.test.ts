import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readEarlierReport } from "../../../src/commands/earlier-report.ts";
import { UsageError } from "../../../src/errors.ts";
import { assessmentOf } from "../../support/build/assessment.ts";
import { formatStep } from "../../support/build/next-step.ts";
import { proxyImage, sidecars } from "../../support/build/pod-group.ts";
import { checkReport, verifyReport } from "../../support/build/report.ts";
import { deployment } from "../../support/build/workload.ts";

const REPORT = checkReport({
  assessments: [assessmentOf(deployment("web", { pods: [sidecars(2, proxyImage("v1.27.7-1"))] }))],
  exitCode: 2,
});
const [WEB] = REPORT.workloads;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "istio-upgrade-earlier-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function written(content: string | Buffer): string {
  const file = join(folder, "last.json");
  writeFileSync(file, content);
  return file;
}

async function errorOf(content: string | Buffer): Promise<string> {
  const error: unknown = await readEarlierReport(written(content)).catch((thrown) => thrown);
  if (!(error instanceof UsageError)) throw new Error("it was accepted", { cause: error });
  return `${error.message.replace(/"[^"]*last\.json"/, "FILE")} | ${formatStep(error.hint)}`;
}

const CREATE = "make one with the same flags: istio-upgrade check --report-file FILE";

test("a report of check is read, also as PowerShell writes it", async () => {
  const text = JSON.stringify(REPORT);
  const utf16 = Buffer.from(`\uFEFF${text}`, "utf16le");
  for (const content of [text, JSON.stringify(REPORT, undefined, 2), `\uFEFF${text}`, utf16]) {
    const { workloads, generatedAt, cluster, complete } = await readEarlierReport(written(content));
    expect([...workloads.values()]).toEqual([
      { namespace: "shop", kind: "Deployment", name: "web", verdict: "outdated" },
    ]);
    expect({ generatedAt, server: cluster.server, complete }).toEqual({
      generatedAt: REPORT.generatedAt,
      server: REPORT.cluster.server,
      complete: true,
    });
  }
});

describe("another file is one clear sentence:", () => {
  const not = (why: string) => `FILE is not the report of a check: ${why} | ${CREATE}`;
  const fields = not("fields are missing, or have other types");
  const workload = not("a workload has no name, or no verdict that this version knows");

  test.each<[what: string, content: unknown, error: string]>([
    ["a number", 1, not("it has no apiVersion of istio-upgrade")],
    ["null", null, not("it has no apiVersion of istio-upgrade")],
    [
      "another document",
      { apiVersion: "v1", kind: "List" },
      not("it has no apiVersion of istio-upgrade"),
    ],
    [
      "a newer version",
      { ...REPORT, apiVersion: "istio-upgrade/v2" },
      'FILE has the apiVersion "istio-upgrade/v2", but this version reads istio-upgrade/v1 | use the version of istio-upgrade that made it, or make another report',
    ],
    [
      "verify",
      verifyReport(),
      not('--since needs a CheckReport, and it is of the kind "VerifyReport"'),
    ],
    [
      "a failed check",
      { apiVersion: "istio-upgrade/v1", kind: "Error", code: "unreachable" },
      not("that check failed (unreachable)"),
    ],
    [
      "no text as a kind",
      { ...REPORT, kind: { toString: 1 } },
      not('--since needs a CheckReport, and it is of the kind "?"'),
    ],
    ["no time", { ...REPORT, generatedAt: "yesterday" }, fields],
    ["no workloads", { ...REPORT, workloads: undefined }, fields],
    ["no cluster", { ...REPORT, cluster: { server: 1 } }, fields],
    ["no scope", { ...REPORT, scope: null }, fields],
    ["no completeness", { ...REPORT, complete: "yes" }, fields],
    ["a text as a workload", { ...REPORT, workloads: ["web"] }, workload],
    ["an unknown verdict", { ...REPORT, workloads: [{ ...WEB, verdict: "cursed" }] }, workload],
    ["no name", { ...REPORT, workloads: [{ ...WEB, name: {} }] }, workload],
  ])("%s", async (_what, content, error) => {
    expect(await errorOf(JSON.stringify(content))).toBe(error);
  });

  test("no JSON", async () => {
    expect(await errorOf("NAMESPACE WORKLOAD")).toBe(
      `FILE is not a report: it is not JSON | ${CREATE}`,
    );
  });
});
