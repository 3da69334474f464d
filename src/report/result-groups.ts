import { isDone } from "../rollout/result.ts";
import type { Report, ResultEntry, WorkloadEntry } from "./document.ts";
import { isRestartable } from "./entry-status.ts";

/** From the most urgent outcome to the least. */
const ORDER: readonly ResultEntry["outcome"][] = [
  "failed",
  "timed-out",
  "still-rolling",
  "not-started",
  "skipped",
  "waited",
  "restarted",
  "replaced",
];

/**
 * Returns the results of workloads that were not restarted, failures first, each group in the order
 * of the plan. Workloads that passed a dry run are left out.
 */
export function undoneResults(results: readonly ResultEntry[]): readonly ResultEntry[] {
  return results
    .filter(({ outcome, code }) => !isDone(outcome) && code !== "dry-run")
    .toSorted((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome));
}

/**
 * Returns the results on target: restarted or replaced in place by this run, or by an earlier one that it waited for.
 */
export function doneResults(results: readonly ResultEntry[]) {
  return {
    restarted: results.filter(({ outcome }) => outcome === "restarted"),
    replaced: results.filter(({ outcome }) => outcome === "replaced"),
    waited: results.filter(({ outcome }) => outcome === "waited"),
  };
}

/** Returns the outdated workloads that `--max-age` keeps from the exit code. */
export function withinEntries({ workloads }: Report): readonly WorkloadEntry[] {
  return workloads.filter(({ withinMaxAge }) => withinMaxAge === true);
}

/**
 * Returns the outdated workloads that a restart fixes, and that count for the exit code. Those that a
 * result or a plan shows as well are left out.
 */
export function outdatedEntries(report: Report): readonly WorkloadEntry[] {
  const entries = report.workloads.filter(
    (entry) => isRestartable(entry) && entry.withinMaxAge === undefined,
  );
  if (report.kind !== "RestartReport") return entries;
  // The plan of a dry run shows the same workloads.
  return report.dryRun === null ? withoutUndone(entries, report.results) : [];
}

/**
 * Removes outdated workloads that this run did not bring on target. Their result says why already,
 * and a second entry would read as an earlier problem.
 */
export function withoutUndone(
  entries: readonly WorkloadEntry[],
  results: readonly ResultEntry[],
): readonly WorkloadEntry[] {
  const undone = new Set(undoneResults(results).map(keyOf));
  // Any other verdict says more than the result does.
  return entries.filter((entry) => entry.verdict !== "outdated" || !undone.has(keyOf(entry)));
}

function keyOf({ namespace, kind, name }: Pick<WorkloadEntry, "namespace" | "kind" | "name">) {
  return `${namespace}/${kind}/${name}`;
}
