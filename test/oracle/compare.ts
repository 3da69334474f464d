import { isDeepStrictEqual } from "node:util";
import type { RealCluster } from "../testbed/real-cluster.ts";
import type { Placed } from "./apply.ts";
import { ask, keyOf, type Prove, PROVES, type Said } from "./ours.ts";
import { findTruth, isRefusedByAdmission, type Truth } from "./truth.ts";

/** A workload, what is true of it, and what was said. */
export interface Compared {
  readonly placed: Placed;
  readonly truth: Truth;
  /** `undefined`: it was not listed. */
  readonly said: Said | undefined;
  /** How the program was asked when it said so. */
  readonly prove: Prove;
  /**
   * `moving`: the truth was another one after the question than before. `unprovable`: only a dry
   * run can show it, and the program makes none for such a workload.
   */
  readonly result: "agreed" | "disagreed" | "moving" | "unprovable";
}

const TRIES = 4;

/** Holds what the program says, with proof and without, against what is true. */
export async function compare(
  cluster: RealCluster,
  placed: readonly Placed[],
): Promise<readonly Compared[]> {
  let compared = await compareOnce(cluster, placed);
  // Controllers go on trying to create what was refused: their pods may come at any time.
  for (let tries = 1; tries < TRIES; tries++) {
    const moving = compared.filter(({ result }) => result === "moving");
    if (moving.length === 0) break;
    const again = await compareOnce(
      cluster,
      moving.map((one) => one.placed),
    );
    compared = [...compared.filter(({ result }) => result !== "moving"), ...again];
  }
  return compared;
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
    const answers = runs.map(([prove, answer]): Compared => {
      const said = answer.get(keyOf(one));
      const result = moved ? "moving" : judge(one, truth, said, prove);
      return { placed: one, truth, said, prove, result };
    });
    return worstOf(answers) ?? [];
  });
}

/** A disagreement counts more than anything; that a dry run was needed counts if none was made. */
function worstOf(answers: readonly Compared[]): Compared | undefined {
  return answers.find(({ result }) => result === "disagreed") ?? answers.at(-1);
}

/** The program proves only what it could restart. */
const PROVABLE = new Set(["Deployment", "StatefulSet", "DaemonSet"]);

function judge(
  { case: { workload } }: Placed,
  truth: Truth,
  said: Said | undefined,
  prove: Prove,
): Compared["result"] {
  const proved = prove === "always" && PROVABLE.has(workload.kind);
  if (isRefusedByAdmission(truth) && !proved) return "unprovable";
  if ((said?.verdict ?? "unlisted") !== truth.verdict) return "disagreed";
  const { target } = truth;
  const same =
    target === undefined ||
    said === undefined ||
    (said.target?.image === target.image && said.target.revision === target.revision);
  return same ? "agreed" : "disagreed";
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
