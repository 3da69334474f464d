import type { RealCluster } from "../testbed/real-cluster.ts";
import { applyWorld, removeWorkloads } from "./applied-workload.ts";
import { sampleWorlds } from "./arbitrary.ts";
import { type Comparison, compare } from "./comparison.ts";
import type { InstalledControlPlane } from "./installed-control-plane.ts";
import { disagreementOf, shrink } from "./shrink.ts";
import { countWorkloads, describeFailure } from "./summary.ts";
import type { World } from "./world.ts";

/** A function that prints complete lines. */
export type Print = (text: string) => void;

/** Runs the worlds of a seed one after the other, until enough workloads are compared. */
export async function runSeed(
  cluster: RealCluster,
  controlPlane: InstalledControlPlane,
  { seed, workloads }: { readonly seed: number; readonly workloads: number },
  print: Print,
): Promise<readonly Comparison[]> {
  const all: Comparison[] = [];
  for (const world of sampleWorlds(seed, workloads)) {
    if (countWorkloads(all) >= workloads) break;
    all.push(...(await runWorld(cluster, controlPlane, world)));
    const failed = countWorkloads(all.filter(isFailure));
    print(`seed ${seed}: ${countWorkloads(all)} of ${workloads} workloads, ${failed} disagreed\n`);
  }
  return all;
}

export async function runWorld(
  cluster: RealCluster,
  controlPlane: InstalledControlPlane,
  world: World,
): Promise<readonly Comparison[]> {
  const applied = await applyWorld(cluster, controlPlane, world);
  const compared = await compare(cluster, applied);
  await removeWorkloads(cluster, applied);
  return compared;
}

/** A world that never becomes stable proves nothing, so it counts as a failure. */
export function isFailure({ result }: Comparison): boolean {
  return result === "disagreed" || result === "moving";
}

const MOST_DISAGREEMENTS = 6;

/** Prints the smallest world for each distinct disagreement. */
export async function printFailures(
  cluster: RealCluster,
  controlPlane: InstalledControlPlane,
  compared: readonly Comparison[],
  print: Print,
): Promise<void> {
  const distinct = new Map<string, Comparison>();
  for (const one of compared.filter(isFailure)) {
    if (!distinct.has(disagreementOf(one))) distinct.set(disagreementOf(one), one);
  }
  for (const one of [...distinct.values()].slice(0, MOST_DISAGREEMENTS)) {
    print(
      describeFailure(one.result === "moving" ? one : await shrink(cluster, controlPlane, one)),
    );
  }
}
