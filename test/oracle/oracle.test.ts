import { randomInt } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRealCluster } from "../testbed/open-real-cluster.ts";
import type { RealCluster } from "../testbed/real-cluster.ts";
import { CASES } from "./cases.ts";
import { printFailures, isFailure, runSeed, runWorld } from "./oracle-run.ts";
import { openControlPlane, type InstalledControlPlane } from "./installed-control-plane.ts";
import { countWorkloads, describeFailure, summarize } from "./summary.ts";
import type { Case, World } from "./world.ts";

const WORKLOADS = 200;
const FIXED_SEED = 7;

let cluster: RealCluster;
let controlPlane: InstalledControlPlane;

beforeAll(async () => {
  cluster = openRealCluster();
  controlPlane = await openControlPlane(cluster);
});

afterAll(async () => {
  await controlPlane.clear();
  await cluster.stop();
});

test.for(CASES)("%s", { timeout: 120_000 }, async ([, found]) => {
  const compared = await runWorld(cluster, controlPlane, worldOf(found));
  expect(countWorkloads(compared)).toBe(1);
  expect(compared.filter(isFailure).map(describeFailure)).toEqual([]);
});

// A failure of a fresh seed becomes one of the cases above.
test.for([
  ["a fixed", FIXED_SEED],
  ["a fresh", randomInt(2 ** 31)],
] as const)(
  "verdicts agree with the real injector in random worlds of %s seed",
  { timeout: 1_200_000 },
  async ([, seed]) => {
    const compared = await runSeed(
      cluster,
      controlPlane,
      { seed, workloads: WORKLOADS },
      () => undefined,
    );
    print(`oracle: seed ${seed}: ${summarize(compared)}`);
    await printFailures(cluster, controlPlane, compared, print);
    expect(countWorkloads(compared)).toBeGreaterThanOrEqual(WORKLOADS);
    expect(compared.filter(isFailure).map(describeFailure)).toEqual([]);
  },
);

function worldOf({ before, now, namespaceLabels, workload }: Case): World {
  return { before, now, namespaces: [{ ...namespaceLabels, workloads: [workload] }] };
}

function print(text: string): void {
  process.stdout.write(text);
}
