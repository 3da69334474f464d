import { afterAll, beforeAll, describe, expect } from "vitest";
import { run, test } from "../contract/sandbox.ts";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { createAll, type TestWorkload, createUpgrades } from "./upgrades.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const REVISION = "asm-1-64";
const PARALLEL = 4;

/** The seconds from 5 to 15 until the pods of each workload are ready. */
const DELAYS = Array.from({ length: 24 }, (_, index) => 5 + ((index * 7) % 11));

const WORKLOADS: readonly TestWorkload[] = DELAYS.map((seconds, index) => ({
  resource: "deployments",
  manifest: deployment(`web-${String(index).padStart(2, "0")}`, {
    annotations: { "test.istio-upgrade/ready-after": `${seconds}s` },
  }),
}));

/**
 * Returns the seconds of a run in which each workload starts at the moment that another finishes.
 */
function ideal(delays: readonly number[]): number {
  const free = Array.from({ length: PARALLEL }, () => 0);
  for (const delay of delays) {
    const first = free.indexOf(Math.min(...free));
    free[first] = (free[first] ?? 0) + delay;
  }
  return Math.max(...free);
}

describe("the duration of a restart", () => {
  let cluster: RealCluster;
  beforeAll(() => {
    cluster = openRealCluster();
  });
  afterAll(() => cluster.stop());

  test("is close to the time that the pods need", { timeout: 300_000 }, async ({ enter }) => {
    const upgrades = await createUpgrades(cluster, REVISION);
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await createAll(sandbox, WORKLOADS);
    await upgrades.next();
    const ran = await run(cluster, "restart", "-n", sandbox.name, "--yes", "--json");
    expect(ran.status).toBe(0);
    const { results } = parseReport("RestartReport", ran.stdout);
    const time = (at: string | null) => Date.parse(at ?? "") / 1000;
    const taken =
      Math.max(...results.map(({ finishedAt }) => time(finishedAt))) -
      Math.min(...results.map(({ startedAt }) => time(startedAt)));
    const order = results.map(({ name }) => DELAYS[Number(name.slice(-2))] ?? 0);
    process.stderr.write(`${taken.toFixed(1)} s, ideal ${ideal(order)} s\n`);
    expect(taken).toBeLessThanOrEqual(1.1 * ideal(order) + 3);
  });
});
