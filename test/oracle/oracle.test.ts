import { randomInt } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRealCluster } from "../testbed/open-real-cluster.ts";
import type { RealCluster } from "../testbed/real-cluster.ts";
import { CASES } from "./cases.ts";
import { explain, isWrong, runSeed, runWorld } from "./oracle.ts";
import { openStage, type Stage } from "./plane.ts";
import { countWorkloads, describe, summarize } from "./summary.ts";
import type { Case, World } from "./world.ts";

const WORKLOADS = 200;
const FIXED_SEED = 7;

let cluster: RealCluster;
let stage: Stage;

beforeAll(async () => {
  cluster = openRealCluster();
  stage = await openStage(cluster);
});

afterAll(async () => {
  await stage.clear();
  await cluster.stop();
});

test.for(CASES)("%s", { timeout: 120_000 }, async ([, kept]) => {
  const compared = await runWorld(cluster, stage, worldOf(kept));
  expect(countWorkloads(compared)).toBe(1);
  expect(compared.filter(isWrong).map(describe)).toEqual([]);
});

// What a fresh seed finds is kept as a case above.
test.for([
  ["a fixed", FIXED_SEED],
  ["a fresh", randomInt(2 ** 31)],
] as const)(
  "verdicts are what the real injector does, in random worlds of %s seed",
  { timeout: 1_200_000 },
  async ([, seed]) => {
    const compared = await runSeed(cluster, stage, { seed, workloads: WORKLOADS }, () => undefined);
    say(`oracle: seed ${seed}: ${summarize(compared)}`);
    await explain(cluster, stage, compared, say);
    expect(countWorkloads(compared)).toBeGreaterThanOrEqual(WORKLOADS);
    expect(compared.filter(isWrong).map(describe)).toEqual([]);
  },
);

function worldOf({ before, now, place, workload }: Case): World {
  return { before, now, places: [{ ...place, workloads: [workload] }] };
}

function say(text: string): void {
  process.stdout.write(text);
}
