import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPlanFile } from "../../../../src/commands/restart/plan-file.ts";
import { planHash } from "../../../../src/report/entries.ts";
import type { RestartReport } from "../../../../src/report/document.ts";
import { restartReport } from "../../../support/build/report.ts";
import { someResult } from "../../../support/build/step.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "istio-upgrade-plan-file-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const skipped = someResult({ outcome: "skipped" });
const made = restartReport([skipped], { dryRun: "client" });
const PLAN: RestartReport = { ...made, plan: planHash(made) };

function read(content: string | Buffer): Promise<RestartReport> {
  const file = join(folder, "plan.json");
  writeFileSync(file, content);
  return readPlanFile(file);
}

/** The plan with other content, and the hash that fits it. */
function forged(changes: object): string {
  const document = { ...PLAN, ...changes };
  let plan = "";
  try {
    plan = planHash(document);
  } catch {
    // Content of a wrong shape may have no hash.
  }
  return JSON.stringify({ ...document, plan });
}

const [STEP] = PLAN.steps;
const nested = (depth: number) => `${"[".repeat(depth)}${"]".repeat(depth)}`;

test("a plan is read as it was written", async () => {
  await expect(read(JSON.stringify(PLAN))).resolves.toEqual(PLAN);
  await expect(read(forged({ steps: [] }))).resolves.toMatchObject({ steps: [] });
});

test("the report of a run has its plan", async () => {
  await expect(read(forged({ dryRun: null }))).resolves.toMatchObject({ dryRun: null });
});

test("a plan of a version without the times of restarts is read", async () => {
  const { restartedAt: _, ...step } = STEP ?? {};
  await expect(read(forged({ steps: [step] }))).resolves.toMatchObject({
    steps: [{ name: "web" }],
  });
});

test("a plan with the other changes of its restarts is read, and its hash covers them", async () => {
  const drift = [{ path: "spec.priorityClassName", what: "application", from: null, to: null }];
  const steps = [{ ...STEP, drift }];
  await expect(read(forged({ steps }))).resolves.toMatchObject({ steps });
  await expect(read(JSON.stringify({ ...PLAN, steps }))).rejects.toMatchObject({
    message: expect.stringContaining("was changed after it was made"),
  });
});

describe("a file that is no plan is wrong usage", () => {
  test.each<[what: string, content: string | Buffer]>([
    ["no JSON", "{"],
    ["nothing", ""],
    ["binary", Buffer.from([0xff, 0xfe, 0x00])],
    ["null", "null"],
    ["a list", "[]"],
    ["a number", "7"],
    ["a deep list", nested(100_000)],
    ["without a cluster", forged({ cluster: null })],
    ["a cluster without a server", forged({ cluster: { istioNamespace: "i" } })],
    ["without a scope", forged({ scope: [] })],
    ["an unknown consent", forged({ scope: { include: ["everything"] } })],
    ["steps that are no list", forged({ steps: {} })],
    ["null as a step", forged({ steps: [null] })],
    ["an empty step", forged({ steps: [{}] })],
    ["a list as a step", forged({ steps: [[]] })],
    ["a kind that cannot be restarted", forged({ steps: [{ ...STEP, kind: "Secret" }] })],
    ["a name that is no text", forged({ steps: [{ ...STEP, name: 7 }] })],
    ["a namespace without a name", forged({ steps: [{ ...STEP, namespace: "" }] })],
    ["an unknown verdict", forged({ steps: [{ ...STEP, verdict: "fine" }] })],
    ["no target", forged({ steps: [{ ...STEP, to: null }] })],
    [
      "an image that is no text",
      forged({ steps: [{ ...STEP, to: { image: {}, revision: "r" } }] }),
    ],
    ["null as running pods", forged({ steps: [{ ...STEP, from: [null] }] })],
    [
      "half a pod",
      forged({ steps: [{ ...STEP, from: [{ image: "i", revision: "r", pods: 0.5 }] }] }),
    ],
    ["a template that is no text", forged({ steps: [{ ...STEP, template: {} }] })],
    ["a time that is no text", forged({ steps: [{ ...STEP, restartedAt: 7 }] })],
    ["drift that is no list", forged({ steps: [{ ...STEP, drift: {} }] })],
    [
      "an unknown kind of drift",
      forged({ steps: [{ ...STEP, drift: [{ path: "a", what: "b", from: null, to: null }] }] }),
    ],
    ["another hash", JSON.stringify({ ...PLAN, allowDowntime: true })],
    [
      "an unknown field that is nested too deeply",
      JSON.stringify(PLAN).replace('"steps":[{', `"steps":[{"x":${nested(20_000)},`),
    ],
  ])("%s", async (_what, content) => {
    await expect(read(content)).rejects.toMatchObject({ name: "UsageError" });
  });

  test("a folder, and a file that does not end", async () => {
    await expect(readPlanFile(folder)).rejects.toMatchObject({ name: "UsageError" });
    await expect(readPlanFile("/dev/zero")).rejects.toMatchObject({
      name: "UsageError",
      message: expect.stringContaining("larger than 64 MiB"),
    });
  });
});

test("a plan may come through a pipe", async () => {
  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  const [plan] = await Promise.all([
    readPlanFile(pipe),
    import("node:fs/promises").then(({ writeFile }) => writeFile(pipe, JSON.stringify(PLAN))),
  ]);
  expect(plan).toEqual(PLAN);
});
