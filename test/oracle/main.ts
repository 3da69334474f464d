/**
 * `tsx test/oracle/main.ts --workloads 1000`: so many in all, over five fresh seeds, or over as many
 * as `--seeds` says; one seed again: `--seed 42`.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { startRealCluster } from "../testbed/real-cluster.ts";
import type { Compared } from "./compare.ts";
import { explain, isWrong, runSeed } from "./oracle.ts";
import { openStage } from "./plane.ts";
import { summarize } from "./summary.ts";

const { values } = parseArgs({
  options: {
    workloads: { type: "string", default: "200" },
    seeds: { type: "string", default: "5" },
    seed: { type: "string" },
  },
});
const seeds =
  values.seed === undefined
    ? Array.from({ length: Number(values.seeds) }, () => randomInt(2 ** 31))
    : [Number(values.seed)];
const workloads = Math.ceil(Number(values.workloads) / seeds.length);

const cluster = await startRealCluster();
try {
  const stage = await openStage(cluster);
  const all: Compared[] = [];
  for (const seed of seeds) {
    const toStderr = (text: string) => process.stderr.write(text);
    const compared = await runSeed(cluster, stage, { seed, workloads }, toStderr);
    all.push(...compared);
    process.stdout.write(`seed ${seed}: ${summarize(compared)}`);
    if (compared.some(isWrong)) process.exitCode = 1;
    await explain(cluster, stage, compared, (text) => process.stdout.write(text));
  }
  process.stdout.write(`\n${seeds.length} seeds: ${summarize(all)}`);
} finally {
  await cluster.stop();
}
