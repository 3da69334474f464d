/** `tsx test/oracle/main.ts --workloads 1000 --seeds 5`; one seed again: `--seed 42`. */
import { randomInt } from "node:crypto";
import { parseArgs } from "node:util";
import { startRealCluster } from "../testbed/real-cluster.ts";
import { sampleWorlds } from "./arbitrary.ts";
import { explain, runWorlds } from "./oracle.ts";
import { openStage } from "./plane.ts";
import { summarize } from "./summary.ts";

const { values } = parseArgs({
  options: {
    workloads: { type: "string", default: "200" },
    seeds: { type: "string", default: "1" },
    seed: { type: "string" },
  },
});
const seeds =
  values.seed === undefined
    ? Array.from({ length: Number(values.seeds) }, () => randomInt(2 ** 31))
    : [Number(values.seed)];

const cluster = await startRealCluster();
try {
  const stage = await openStage(cluster);
  for (const seed of seeds) {
    process.stdout.write(`seed ${seed}\n`);
    const worlds = sampleWorlds(seed, Number(values.workloads));
    const compared = await runWorlds(cluster, stage, worlds, (text) => process.stderr.write(text));
    process.stdout.write(summarize(compared));
    if (compared.some(({ result }) => result === "disagreed")) process.exitCode = 1;
    await explain(cluster, stage, compared, (text) => process.stdout.write(text));
  }
} finally {
  await cluster.stop();
}
