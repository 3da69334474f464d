import { isDeepStrictEqual } from "node:util";
import type { RealCluster } from "../testbed/real-cluster.ts";
import type { Placed } from "./apply.ts";
import { ask, keyOf, type Prove, PROVES, type Said } from "./ours.ts";
import { findTruth, type Truth } from "./truth.ts";
import { isUndecidable } from "./world.ts";

/**
 * What came of a comparison, the worst first.
 * `moving`: the truth was another one after the question than before, however often it was asked.
 * `undecided`: `unknown` was the answer, in a world where that is allowed.
 */
export const RESULTS = ["disagreed", "moving", "undecided", "agreed"] as const;

/** A workload, what is true of it, and what was said when the program was asked in one way. */
export interface Compared {
  readonly placed: Placed;
  readonly truth: Truth;
  /** `undefined`: it was not listed. */
  readonly said: Said | undefined;
  readonly prove: Prove;
  readonly result: (typeof RESULTS)[number];
}

/** Controllers try again what was refused, each time later: within this a world comes to rest. */
const PATIENCE = 120_000;

/** Holds what the program says, asked in each way, against what is true. */
export async function compare(
  cluster: RealCluster,
  placed: readonly Placed[],
): Promise<readonly Compared[]> {
  // A world of one bare pod may have refused it.
  if (placed.length === 0) return [];
  const deadline = Date.now() + PATIENCE;
  const steady: Compared[] = [];
  for (let left = placed; ;) {
    const compared = await compareOnce(cluster, left);
    const moving = compared.filter(({ result }) => result === "moving");
    steady.push(...compared.filter(({ result }) => result !== "moving"));
    if (moving.length === 0) return steady;
    if (Date.now() > deadline) return [...steady, ...moving];
    left = [...new Set(moving.map((one) => one.placed))];
  }
}

async function compareOnce(
  cluster: RealCluster,
  placed: readonly Placed[],
): Promise<readonly Compared[]> {
  const before = await eachOf(placed, (one) => findTruth(cluster, one));
  const runs: [Prove, ReadonlyMap<string, Said>][] = [];
  for (const prove of PROVES) runs.push([prove, await ask(cluster, placed, prove)]);
  const after = await eachOf(placed, (one) => findTruth(cluster, one));
  return placed.flatMap((one, index) => {
    const truth = before[index];
    if (truth === undefined) return [];
    const moved = !isDeepStrictEqual(truth, after[index]);
    return runs.map(([prove, answer]): Compared => {
      const said = answer.get(keyOf(one));
      const result = moved ? "moving" : judge(one, truth, said, prove);
      return { placed: one, truth, said, prove, result };
    });
  });
}

/** Why only a dry run can tell: what a comparison may leave open where none was to be made. */
const ALLOWED = new Set(["match-conditions", "template-foreign"]);

function judge(
  { case: world }: Placed,
  truth: Truth,
  said: Said | undefined,
  prove: Prove,
): Compared["result"] {
  if (isSame(truth, said)) return "agreed";
  const isOpen = prove === "never" && isUndecidable(world) && said?.verdict === "unknown";
  return isOpen && ALLOWED.has(said.code) ? "undecided" : "disagreed";
}

function isSame({ verdict, target }: Truth, said: Said | undefined): boolean {
  if ((said?.verdict ?? "unlisted") !== verdict) return false;
  if (target === undefined || said === undefined) return true;
  return said.target?.image === target.image && said.target.revision === target.revision;
}

/** Eight at a time: more does not make the injector any faster. */
async function eachOf<Item, Result>(
  items: readonly Item[],
  make: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += 8) {
    results.push(...(await Promise.all(items.slice(start, start + 8).map(make))));
  }
  return results;
}
