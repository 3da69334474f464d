import { isDeepStrictEqual } from "node:util";
import type { RealCluster } from "../testbed/real-cluster.ts";
import type { AppliedWorkload } from "./applied-workload.ts";
import {
  checkWorkloads,
  keyOf,
  type Prove,
  PROVES,
  type ReportedWorkload,
} from "./reported-workload.ts";
import { observeOutcome, type ActualOutcome } from "./actual-outcome.ts";
import { isUndecidable } from "./world.ts";

/**
 * The results of a comparison, from the worst to the best.
 * `moving`: the actual outcome changed during each attempt to compare.
 * `undecided`: the program reported `unknown`, in a world that allows this verdict.
 */
export const RESULTS = ["disagreed", "moving", "undecided", "agreed"] as const;

/** The actual outcome for a workload, compared with the program's report. */
export interface Comparison {
  readonly applied: AppliedWorkload;
  readonly actual: ActualOutcome;
  /** `undefined` if the program did not list the workload. */
  readonly reported: ReportedWorkload | undefined;
  readonly prove: Prove;
  readonly result: (typeof RESULTS)[number];
}

/** The time for a world to become stable: controllers retry rejected pods at growing intervals. */
const TIMEOUT_MS = 120_000;

/** Compares the program's reports, one for each value of `--prove`, with the actual outcomes. */
export async function compare(
  cluster: RealCluster,
  workloads: readonly AppliedWorkload[],
): Promise<readonly Comparison[]> {
  // The world may consist of one bare pod that the API server rejected.
  if (workloads.length === 0) return [];
  const deadline = Date.now() + TIMEOUT_MS;
  const stable: Comparison[] = [];
  for (let left = workloads; ;) {
    const compared = await compareOnce(cluster, left);
    const moving = compared.filter(({ result }) => result === "moving");
    stable.push(...compared.filter(({ result }) => result !== "moving"));
    if (moving.length === 0) return stable;
    if (Date.now() > deadline) return [...stable, ...moving];
    left = [...new Set(moving.map(({ applied }) => applied))];
  }
}

async function compareOnce(
  cluster: RealCluster,
  workloads: readonly AppliedWorkload[],
): Promise<readonly Comparison[]> {
  const before = await mapInBatches(workloads, (workload) => observeOutcome(cluster, workload));
  const runs: [Prove, ReadonlyMap<string, ReportedWorkload>][] = [];
  for (const prove of PROVES) runs.push([prove, await checkWorkloads(cluster, workloads, prove)]);
  const after = await mapInBatches(workloads, (workload) => observeOutcome(cluster, workload));
  return workloads.flatMap((workload, index) => {
    const actual = before[index];
    if (actual === undefined) return [];
    const moved = !isDeepStrictEqual(actual, after[index]);
    return runs.map(([prove, answer]): Comparison => {
      const reported = answer.get(keyOf(workload));
      const result = moved ? "moving" : resultOf(workload, actual, reported, prove);
      return { applied: workload, actual, reported, prove, result };
    });
  });
}

/** The codes of the verdict `unknown` that are acceptable without a dry run. */
const ACCEPTABLE = new Set([
  "match-conditions",
  "template-foreign",
  "injected-by-hand",
  "proxy-config",
  "control-plane-unread",
]);

function resultOf(
  { case: world }: AppliedWorkload,
  actual: ActualOutcome,
  reported: ReportedWorkload | undefined,
  prove: Prove,
): Comparison["result"] {
  // Only a dry run shows the image after a policy has changed it.
  const isTargetKnown = prove !== "never" || world.namespaceLabels.rewrite === undefined;
  if (matches(actual, reported, isTargetKnown)) return "agreed";
  if (prove !== "never" || reported?.verdict !== "unknown") return "disagreed";
  const isAcceptable =
    reported.code === "image-rewritten"
      ? !isTargetKnown || mayBeRewritten(actual)
      : isUndecidable(world) && ACCEPTABLE.has(reported.code);
  return isAcceptable ? "undecided" : "disagreed";
}

/**
 * True if a running image may be the target under another name: a policy may rewrite the registry, the
 * path, the tag or the digest, which only a dry run shows. Two versions are two images.
 */
function mayBeRewritten({ pods, target }: ActualOutcome): boolean {
  return pods.some(({ sidecar }) => {
    if (sidecar === undefined || target === undefined) return false;
    if (withoutTag(sidecar.image) !== withoutTag(target.image)) return true;
    const [running, next] = [versionIn(sidecar.image), versionIn(target.image)];
    return running === undefined || next === undefined || running === next;
  });
}

/** Returns `registry/path` or `registry/path@digest`. */
function withoutTag(image: string): string {
  return image.replace(/:[^/:@]*(?=@|$)/, "");
}

/** Returns for example `1.27.9-6`; `undefined` if the tag does not begin with a version. */
function versionIn(image: string): string | undefined {
  return /:v?(\d+\.\d+\.\d+(?:-\d+)?)[^/:]*$/.exec(image)?.[1];
}

function matches(
  { verdict, target }: ActualOutcome,
  reported: ReportedWorkload | undefined,
  isTargetKnown: boolean,
): boolean {
  const found = reported?.verdict ?? "unlisted";
  const isSame =
    verdict === "pinned-or-current" ? ["pinned", "current"].includes(found) : found === verdict;
  if (!isSame) return false;
  if (target === undefined || reported === undefined || !isTargetKnown) return true;
  return reported.target?.image === target.image && reported.target.revision === target.revision;
}

/** Applies a function to all items, eight at a time: more would not make the injector faster. */
async function mapInBatches<Item, Result>(
  items: readonly Item[],
  make: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < items.length; start += 8) {
    results.push(...(await Promise.all(items.slice(start, start + 8).map(make))));
  }
  return results;
}
