import type { RealCluster } from "../testbed/real-cluster.ts";
import { applyWorld, removePlaced } from "./apply.ts";
import { sampleWorlds } from "./arbitrary.ts";
import { type Compared, compare } from "./compare.ts";
import type { Stage } from "./plane.ts";
import { classOf, reduce } from "./reduce.ts";
import { countWorkloads, describe } from "./summary.ts";
import type { World } from "./world.ts";

/** Takes whole lines. */
export type Say = (text: string) => void;

/** Makes the worlds of a seed real one after the other, until so many workloads were compared. */
export async function runSeed(
  cluster: RealCluster,
  stage: Stage,
  { seed, workloads }: { readonly seed: number; readonly workloads: number },
  say: Say,
): Promise<readonly Compared[]> {
  const all: Compared[] = [];
  for (const world of sampleWorlds(seed, workloads)) {
    if (countWorkloads(all) >= workloads) break;
    all.push(...(await runWorld(cluster, stage, world)));
    const wrong = countWorkloads(all.filter(isWrong));
    say(`seed ${seed}: ${countWorkloads(all)} of ${workloads} workloads, ${wrong} disagreed\n`);
  }
  return all;
}

export async function runWorld(
  cluster: RealCluster,
  stage: Stage,
  world: World,
): Promise<readonly Compared[]> {
  const placed = await applyWorld(cluster, stage, world);
  const compared = await compare(cluster, placed);
  await removePlaced(cluster, placed);
  return compared;
}

/** What never came to rest proves nothing, and so counts as a disagreement. */
export function isWrong({ result }: Compared): boolean {
  return result === "disagreed" || result === "moving";
}

const MOST_CLASSES = 6;

/** One smallest world for each kind of disagreement. */
export async function explain(
  cluster: RealCluster,
  stage: Stage,
  compared: readonly Compared[],
  say: Say,
): Promise<void> {
  const classes = new Map<string, Compared>();
  for (const one of compared.filter(isWrong)) {
    if (!classes.has(classOf(one))) classes.set(classOf(one), one);
  }
  for (const one of [...classes.values()].slice(0, MOST_CLASSES)) {
    say(describe(one.result === "moving" ? one : await reduce(cluster, stage, one)));
  }
}
