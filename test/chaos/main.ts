/**
 * Restarts outdated workloads while others change them, and checks the promises of the program.
 * `tsx test/chaos/main.ts --worlds 60` runs 60 worlds of a fresh seed on the embedded cluster;
 * `--cluster real` uses the real control plane; `--seed 42 --first 7 --worlds 1` repeats one world.
 */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { startRealCluster } from "../testbed/real-cluster.ts";
import { runSeed, type WorldResult } from "./chaos-run.ts";
import { openControlPlane } from "./created-world.ts";
import { describeFindings, describeWorld, summarize } from "./summary.ts";

const { values } = parseArgs({
  options: {
    worlds: { type: "string", default: "60" },
    first: { type: "string", default: "0" },
    seed: { type: "string" },
    cluster: { type: "string", default: "embedded" },
  },
});
const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
const [worlds, first] = [Number(values.worlds), Number(values.first)];

const cluster = await (values.cluster === "real" ? startRealCluster() : startEmbeddedCluster());
try {
  const controlPlane = await openControlPlane(cluster);
  const all: WorldResult[] = [];
  for await (const result of runSeed(cluster, controlPlane, { seed, worlds, first })) {
    all.push(result);
    process.stdout.write(describeWorld(result));
    process.stdout.write(describeFindings(seed, result));
    if (result.findings.length > 0) process.exitCode = 1;
  }
  process.stdout.write(`seed ${seed}: ${summarize(all)}`);
} finally {
  await cluster.stop();
}
