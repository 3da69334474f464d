import { describe, expect } from "vitest";
import { deployment, statefulSet } from "../support/manifests.ts";
import { parseLines } from "../support/report-schema.ts";
import { POD_BEHAVIOUR } from "../support/test-cluster.ts";
import { run, type Sandbox, test, untilReady } from "./sandbox.ts";

const REVISION = "asm-1-57";
const image = (version: string) => `mcr.microsoft.com/oss/v2/istio/proxyv2:${version}`;
const LABELS = { "istio.io/rev": REVISION };

/** Returns the lines about the wait, without their times. */
function waits(stderr: string): readonly string[] {
  return stderr
    .split("\n")
    .filter((line) => /waiting/.test(line))
    .map((line) => line.replace(/^\S+ /, "").replace(/, [\dms ]+ left$/, ", TIME left"));
}

describe("verify --wait", () => {
  test("says what it waits for when that changes, and ends when all pods are ready", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: REVISION, image: image("v1.57.1-1") });
    const sandbox: Sandbox = await enter(LABELS);
    await sandbox.create("deployments", deployment("quick"));
    await untilReady(sandbox, 1);
    const slow = { annotations: { [POD_BEHAVIOUR.readyAfter]: "8s" } };
    await sandbox.create("deployments", deployment("slow", slow));
    const started = Date.now();
    const ran = await run(cluster, "verify", "-n", sandbox.name, "--wait", "2m", "-o", "jsonl");
    expect(ran.status).toBe(0);
    expect(Date.now() - started).toBeLessThan(60_000);
    expect(waits(ran.stderr)).toEqual([
      `waiting: 1 of 2 workloads ready, ${sandbox.name}/deploy/slow 0/1, TIME left`,
    ]);
    expect(parseLines(ran.stdout)).toContainEqual(
      expect.objectContaining({ type: "verifying", ready: 1, wanted: 2 }),
    );
  });

  test("ends soon if only a person can fix the rest", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: image("v1.57.1-1") });
    await cluster.moveImage(REVISION, image("v1.57.1-1"));
    const sandbox = await enter(LABELS);
    await sandbox.create("statefulsets", statefulSet("single"));
    await untilReady(sandbox, 1);
    await cluster.moveImage(REVISION, image("v1.57.2-1"));
    const started = Date.now();
    const ran = await run(cluster, "verify", "-n", sandbox.name, "--wait", "2m");
    expect(ran.status).toBe(5);
    expect(Date.now() - started).toBeLessThan(60_000);
    expect(waits(ran.stderr)).toEqual([
      `waiting: 0 of 1 workload ready, ${sandbox.name}/sts/single 0/1, TIME left`,
      "no longer waiting: the rest needs a person",
    ]);
  });
});
