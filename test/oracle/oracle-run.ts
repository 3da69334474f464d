import type { RealCluster } from "../testbed/real-cluster.ts";
import { applyWorld, removeWorkloads } from "./applied-workload.ts";
import { sampleWorlds } from "./arbitrary.ts";
import { compareCommands, type FoundContradiction } from "./command-runs.ts";
import { type Comparison, compare } from "./comparison.ts";
import type { InstalledControlPlane } from "./installed-control-plane.ts";
import { disagreementOf, shrink } from "./shrink.ts";
import { countWorkloads, describeContradiction, describeFailure } from "./summary.ts";
import type { World } from "./world.ts";

/** A function that prints complete lines. */
export type Print = (text: string) => void;

/** The results of one or several worlds. */
export interface WorldResults {
  readonly compared: readonly Comparison[];
  /** The contradictions between the commands. */
  readonly contradictions: readonly FoundContradiction[];
}

/** Runs the worlds of a seed one after the other, until enough workloads are compared. */
export async function runSeed(
  cluster: RealCluster,
  controlPlane: InstalledControlPlane,
  { seed, workloads }: { readonly seed: number; readonly workloads: number },
  print: Print,
): Promise<WorldResults> {
  const all: Comparison[] = [];
  const contradictions: FoundContradiction[] = [];
  for (const world of sampleWorlds(seed, workloads)) {
    if (countWorkloads(all) >= workloads) break;
    const results = await runWorld(cluster, controlPlane, world);
    all.push(...results.compared);
    contradictions.push(...results.contradictions);
    // The smallest worlds follow at the end.
    for (const one of results.compared.filter(isFailure)) print(describeFailure(one));
    for (const one of results.contradictions) print(describeContradiction(one));
    const failed = countWorkloads(all.filter(isFailure));
    print(
      `seed ${seed}: ${countWorkloads(all)} of ${workloads} workloads, ${failed} disagreed, ${contradictions.length} contradictions\n`,
    );
  }
  return { compared: all, contradictions };
}

export async function runWorld(
  cluster: RealCluster,
  controlPlane: InstalledControlPlane,
  world: World,
): Promise<WorldResults> {
  const applied = await applyWorld(cluster, controlPlane, world);
  const compared = await compare(cluster, applied);
  const contradictions = await compareCommands(cluster, applied, compared);
  await removeWorkloads(cluster, applied);
  return { compared, contradictions };
}

/** A world that never becomes stable proves nothing, so it counts as a failure. */
export function isFailure({ result }: Comparison): boolean {
  return result === "disagreed" || result === "moving";
}

const MOST_DISAGREEMENTS = 6;

/** Prints the contradictions, and the smallest world for each distinct disagreement. */
export async function printFailures(
  cluster: RealCluster,
  controlPlane: InstalledControlPlane,
  { compared, contradictions }: WorldResults,
  print: Print,
): Promise<void> {
  for (const one of contradictions) print(describeContradiction(one));
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
