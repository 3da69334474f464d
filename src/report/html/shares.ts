import type { Verdict } from "../../mesh/verdict.ts";
import type { RunningEntry, WorkloadEntry } from "../document.ts";
import { compareText } from "../../snapshot.ts";
import { shortImage } from "../../mesh/short-image.ts";

/** The verdicts from the best to the worst, and then those that the user has decided. */
export const BAR_ORDER = [
  "current",
  "outdated",
  "missing",
  "blocked",
  "would-lose",
  "unknown",
  "pinned",
  "excluded",
  "managed",
] as const satisfies readonly Verdict[];

/** Numbers of workloads or of pods, by verdict. */
export type Counts = Readonly<Partial<Record<Verdict, number>>>;

/** The part of a group that is on target. */
export interface Share {
  readonly counts: Counts;
  /** The workloads or pods whose sidecar is judged: not those that are pinned, excluded or managed. */
  readonly judged: number;
  readonly current: number;
  /** Full percents, rounded down: 100 only if all are current. `undefined` if none is judged. */
  readonly percent: number | undefined;
  /** Judged, but neither current nor unknown. */
  readonly behind: number;
}

/** A group with its name. */
export interface NamedShare extends Share {
  readonly name: string;
}

export function shareOf(counts: Counts): Share {
  const { current = 0, unknown = 0 } = counts;
  const behind = sum(counts, ["outdated", "missing", "blocked", "would-lose"]);
  const judged = current + unknown + behind;
  const percent = judged === 0 ? undefined : Math.floor((current * 100) / judged);
  return { counts, judged, current, percent, behind };
}

function sum(counts: Counts, verdicts: readonly Verdict[]): number {
  return verdicts.reduce((total, verdict) => total + (counts[verdict] ?? 0), 0);
}

/** Counts workloads by their verdict. */
export function verdictCounts(workloads: readonly Pick<WorkloadEntry, "verdict">[]): Counts {
  const counts: Partial<Record<Verdict, number>> = {};
  for (const { verdict } of workloads) counts[verdict] = (counts[verdict] ?? 0) + 1;
  return counts;
}

/** The number of all workloads or pods of a group. */
export function totalOf({ counts }: Pick<Share, "counts">): number {
  return sum(counts, BAR_ORDER);
}

/** Returns the shares of workloads by a name, those with the most work left first. */
export function workloadShares(
  workloads: readonly WorkloadEntry[],
  nameOf: (entry: WorkloadEntry) => string,
): readonly NamedShare[] {
  return sharesOf(workloads.map((entry) => [nameOf(entry), entry.verdict, 1] as const)).sort(
    (a, b) => b.behind + unknownIn(b) - (a.behind + unknownIn(a)),
  );
}

function unknownIn({ counts }: Share): number {
  return counts.unknown ?? 0;
}

/** Returns the shares of pods by the revision and the version that they run, by name. */
export function podShares(workloads: readonly WorkloadEntry[]): readonly NamedShare[] {
  const groups = workloads.flatMap((entry) =>
    entry.running.map(
      (running) => [sidecarName(running), podVerdict(entry, running), running.pods] as const,
    ),
  );
  return sharesOf(groups).sort((a, b) => compareText(b.name, a.name));
}

/** It sorts after the names of revisions. */
const NO_SIDECAR = "(no sidecar)";

function sidecarName({ image, revision }: RunningEntry): string {
  if (image === null) return NO_SIDECAR;
  return `${revision ?? "unknown revision"} ${shortImage(image, null)}`;
}

/**
 * Returns the verdict on pods. Those of an outdated workload may be on target already; without a
 * target, no pod of a workload counts as current.
 */
function podVerdict({ verdict }: WorkloadEntry, { image, change }: RunningEntry): Verdict {
  if (verdict !== "outdated" && verdict !== "missing") return verdict;
  if (change !== "none") return "outdated";
  return image === null ? "missing" : "current";
}

function sharesOf(
  items: readonly (readonly [name: string, verdict: Verdict, number: number])[],
): NamedShare[] {
  const groups = new Map<string, Partial<Record<Verdict, number>>>();
  for (const [name, verdict, number] of items) {
    const counts = groups.get(name) ?? {};
    groups.set(name, counts);
    counts[verdict] = (counts[verdict] ?? 0) + number;
  }
  return [...groups].map(([name, counts]) => ({ name, ...shareOf(counts) }));
}
