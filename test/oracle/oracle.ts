import type { RealCluster } from "../testbed/real-cluster.ts";
import { applyWorld, removePlaced } from "./apply.ts";
import { type Compared, compare } from "./compare.ts";
import type { Stage } from "./plane.ts";
import { classOf, reduce } from "./reduce.ts";
import { describe } from "./summary.ts";
import type { World } from "./world.ts";

/** Makes worlds real one after the other, and compares. `say` gets progress, in whole lines. */
export async function runWorlds(
  cluster: RealCluster,
  stage: Stage,
  worlds: readonly World[],
  say: (text: string) => void,
): Promise<readonly Compared[]> {
  const all: Compared[] = [];
  for (const [index, world] of worlds.entries()) {
    const placed = await applyWorld(cluster, stage, world);
    all.push(...(await compare(cluster, placed)));
    await removePlaced(cluster, placed);
    const disagreed = all.filter(({ result }) => result === "disagreed").length;
    say(
      `world ${index + 1} of ${worlds.length}: ${all.length} workloads, ${disagreed} disagreed\n`,
    );
  }
  return all;
}

const MOST_CLASSES = 6;

/** One smallest world for each kind of disagreement, as text for `say`. */
export async function explain(
  cluster: RealCluster,
  stage: Stage,
  compared: readonly Compared[],
  say: (text: string) => void,
): Promise<void> {
  const classes = new Map<string, Compared>();
  for (const one of compared) {
    if (one.result === "disagreed" && !classes.has(classOf(one))) classes.set(classOf(one), one);
  }
  for (const one of [...classes.values()].slice(0, MOST_CLASSES)) {
    say(describe(await reduce(cluster, stage, one)));
  }
}
