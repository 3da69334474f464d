import { isDone, isFailure } from "../rollout/result.ts";
import type { ResultEntry, WorkloadEntry } from "./document.ts";

/** From the most urgent outcome to the least. */
const ORDER: readonly ResultEntry["outcome"][] = [
  "failed",
  "timed-out",
  "not-started",
  "skipped",
  "waited",
  "restarted",
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
 * Returns the results on target: restarted by this run, or by an earlier one that it waited for.
 */
export function doneResults(results: readonly ResultEntry[]) {
  return {
    restarted: results.filter(({ outcome }) => outcome === "restarted"),
    waited: results.filter(({ outcome }) => outcome === "waited"),
  };
}

/**
 * Removes outdated workloads that failed in this run. Their failure is reported already, and a
 * second entry would read as an earlier problem.
 */
export function withoutFailures(
  entries: readonly WorkloadEntry[],
  results: readonly ResultEntry[],
): readonly WorkloadEntry[] {
  const failed = results.filter(
    ({ outcome, startedAt }) => isFailure(outcome) && startedAt !== null,
  );
  return entries.filter(
    (entry) =>
      // Any other verdict says more than the failure does.
      entry.verdict !== "outdated" ||
      !failed.some(
        ({ namespace, kind, name }) =>
          namespace === entry.namespace && kind === entry.kind && name === entry.name,
      ),
  );
}
