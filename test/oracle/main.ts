/**
 * Compares the verdicts on random workloads with the real injector, and the commands with each other.
 * `tsx test/oracle/main.ts --workloads 1000` distributes 1000 workloads over five fresh seeds;
 * `--seeds N` changes the number of seeds; `--seed 42` repeats one seed.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { startRealCluster } from "../testbed/real-cluster.ts";
import type { Comparison } from "./comparison.ts";
import { printFailures, isFailure, runSeed } from "./oracle-run.ts";
import { openControlPlane } from "./installed-control-plane.ts";
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
  const controlPlane = await openControlPlane(cluster);
  const all: Comparison[] = [];
  for (const seed of seeds) {
    const printError = (text: string) => process.stderr.write(text);
    const results = await runSeed(cluster, controlPlane, { seed, workloads }, printError);
    const { compared, contradictions } = results;
    all.push(...compared);
    process.stdout.write(`seed ${seed}: ${summarize(compared)}`);
    if (compared.some(isFailure) || contradictions.length > 0) process.exitCode = 1;
    await printFailures(cluster, controlPlane, results, (text) => process.stdout.write(text));
  }
  process.stdout.write(`\n${seeds.length} seeds: ${summarize(all)}`);
} finally {
  await cluster.stop();
}
