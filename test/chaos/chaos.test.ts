import { expect } from "vitest";
import { test } from "../contract/sandbox.ts";
import { runSeed, type WorldResult } from "./chaos-run.ts";
import { openControlPlane } from "./created-world.ts";
import { describeFindings, summarize } from "./summary.ts";

/** The number of worlds. `npm run chaos` runs as many as it is asked for. */
const WORLDS = { embedded: 2, real: 6 } as const;
/** One seed, so that a commit passes or fails for what it changes; `npm run chaos` takes fresh ones. */
const SEED = 3;

test(
  "runs keep the promises while others change the workloads, in random worlds",
  { timeout: 600_000 },
  async ({ cluster }) => {
    const controlPlane = await openControlPlane(cluster);
    const results: WorldResult[] = [];
    const worlds = WORLDS[cluster.kind];
    for await (const result of runSeed(cluster, controlPlane, { seed: SEED, worlds })) {
      results.push(result);
    }
    process.stdout.write(`chaos: seed ${SEED}: ${summarize(results)}`);
    expect(results.map((result) => describeFindings(SEED, result)).join("")).toBe("");
    // A world in which nothing happens shows nothing.
    const runs = results.flatMap(({ evidence }) => evidence.runs);
    expect(runs.flatMap(({ restarts }) => restarts)).not.toEqual([]);
  },
);
