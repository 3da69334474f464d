import { afterAll, beforeAll, expect, test } from "vitest";
import { type EmbeddedCluster, startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { type Matrix, openMatrix } from "./matrix.ts";

let cluster: EmbeddedCluster;
let matrix: Matrix;
beforeAll(async () => {
  cluster = await startEmbeddedCluster();
  matrix = await openMatrix(cluster);
}, 60_000);
afterAll(async () => {
  await matrix.stop();
  await cluster.stop();
});

/** Prime: the sample wanders over requests and faults alike. */
const EVERY = 83;

/** The whole takes many minutes: `npm run faults`. */
test(
  "a fixed sample of the matrix of faults is as it should be",
  { timeout: 300_000 },
  async () => {
    const sample = matrix.cells.filter((_cell, index) => index % EVERY === 0);
    const wrong: string[] = [];
    for (const cell of sample) {
      const { command, key, fault, times } = cell;
      const found = await matrix.run(cell);
      if (found !== undefined) wrong.push(`${command} ${key}: ${fault.name}, ${times}: ${found}`);
    }
    process.stdout.write(
      `faults: ${sample.length - wrong.length} of ${sample.length} cells of ${matrix.cells.length} are as they should be\n`,
    );
    expect(wrong).toEqual([]);
  },
);
