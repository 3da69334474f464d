import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { connectRealCluster, type RealCluster } from "../testbed/global-setup.ts";
import { sampleWorlds } from "./arbitrary.ts";
import { CASES } from "./cases.ts";
import type { Compared } from "./compare.ts";
import { explain, runWorlds } from "./oracle.ts";
import { openStage, type Stage } from "./plane.ts";
import { describe, summarize } from "./summary.ts";
import type { Case, World } from "./world.ts";

const WORKLOADS = 200;
const FIXED_SEED = 7;

let cluster: RealCluster;
let stage: Stage;

beforeAll(async () => {
  const address = inject("cluster");
  if (address === undefined) throw new Error("these tests need the real cluster");
  cluster = connectRealCluster(address);
  stage = await openStage(cluster);
});

afterAll(async () => {
  await stage.clear();
  await cluster.stop();
});

test.for(CASES)("%s", { timeout: 120_000 }, async ([, kept]) => {
  const compared = await runWorlds(cluster, stage, [worldOf(kept)], () => undefined);
  expect(compared).toHaveLength(1);
  expect(disagreements(compared).map(describe)).toEqual([]);
});

// Fresh seeds are for `npm run oracle`: what they find is kept as a case above.
test(
  "verdicts are what the real injector does, in random worlds of a fixed seed",
  { timeout: 1_200_000 },
  async () => {
    const worlds = sampleWorlds(FIXED_SEED, WORKLOADS);
    const compared = await runWorlds(cluster, stage, worlds, () => undefined);
    say(`oracle: seed ${FIXED_SEED}\n${summarize(compared)}`);
    await explain(cluster, stage, compared, say);
    expect(disagreements(compared).map(describe)).toEqual([]);
  },
);

function worldOf({ before, now, place, workload }: Case): World {
  return { before, now, places: [{ ...place, workloads: [workload] }] };
}

function disagreements(compared: readonly Compared[]): readonly Compared[] {
  return compared.filter(({ result }) => result === "disagreed");
}

function say(text: string): void {
  process.stdout.write(text);
}
