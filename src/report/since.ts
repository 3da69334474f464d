import type { Verdict } from "../mesh/verdict.ts";
import type { CheckReport, SinceEntry, WorkloadEntry } from "./document.ts";

/** The parts of an earlier report that are compared. */
export interface EarlierReport {
  readonly generatedAt: string;
  readonly complete: boolean;
  /** The workloads, by `workloadKey`. */
  readonly workloads: ReadonlyMap<string, EarlierWorkload>;
}

/** A workload of an earlier report. */
export type EarlierWorkload = Named & Judged;

type Named = Pick<WorkloadEntry, "namespace" | "kind" | "name">;
type Judged = Pick<WorkloadEntry, "verdict" | "withinMaxAge">;

/** Returns a text that names one workload of a report. */
export function workloadKey({ namespace, kind, name }: Named): string {
  return JSON.stringify([namespace, kind, name]);
}

/** The verdicts that leave something to do. */
const FINDINGS: ReadonlySet<Verdict> = new Set([
  "outdated",
  "would-lose",
  "blocked",
  "missing",
  "unknown",
]);

/** Returns the verdict if it counts. Within `--max-age` it does not yet. */
function findingOf({ verdict, withinMaxAge }: Judged): Verdict | undefined {
  return FINDINGS.has(verdict) && withinMaxAge !== true ? verdict : undefined;
}

/**
 * Compares a report with an earlier one: which workloads have a verdict that they did not have, and
 * which no longer have theirs. Of something that could not be read now, nobody knows that it is gone.
 */
export function sinceEntry(
  earlier: EarlierReport,
  { workloads, gaps }: Pick<CheckReport, "workloads" | "gaps">,
): SinceEntry {
  const now = new Map(workloads.map((entry) => [workloadKey(entry), entry]));
  const isNew = (entry: WorkloadEntry) => {
    const before = earlier.workloads.get(workloadKey(entry));
    const finding = findingOf(entry);
    return finding !== undefined && (before === undefined || findingOf(before) !== finding);
  };
  const isUnread = ({ namespace }: Named) =>
    gaps.some((gap) => gap.namespace === null || gap.namespace === namespace);
  const isGone = (before: EarlierWorkload) => {
    const finding = findingOf(before);
    const entry = now.get(workloadKey(before));
    if (finding === undefined) return false;
    return entry === undefined ? !isUnread(before) : findingOf(entry) !== finding;
  };
  return {
    generatedAt: earlier.generatedAt,
    new: workloads.filter(isNew).map(({ namespace, kind, name, verdict }) => ({
      namespace,
      kind,
      name,
      verdict,
      before: earlier.workloads.get(workloadKey({ namespace, kind, name }))?.verdict ?? null,
    })),
    gone: [...earlier.workloads.values()]
      .filter(isGone)
      .map(({ namespace, kind, name, verdict }) => ({
        namespace,
        kind,
        name,
        verdict,
        now: now.get(workloadKey({ namespace, kind, name }))?.verdict ?? null,
      })),
  };
}

/** Returns the workloads that count for the exit code: `unknown` ones always do. */
export function countedSince(
  workloads: readonly WorkloadEntry[],
  since: SinceEntry | undefined,
): readonly WorkloadEntry[] {
  if (since === undefined) return workloads;
  const isKnown = knownSince(since);
  return workloads.filter((entry) => !isKnown(entry));
}

/** Returns a function that tells if an earlier report had the same verdict on a workload. */
export function knownSince({ new: found }: SinceEntry): (entry: WorkloadEntry) => boolean {
  const fresh = new Set(found.map(workloadKey));
  return (entry) => entry.verdict !== "unknown" && !fresh.has(workloadKey(entry));
}
