import { isDone, isFailure } from "../rollout/result.ts";
import type { ResultEntry, WorkloadEntry } from "./document.ts";

/** From what needs somebody at once to what needs nobody. */
const ORDER: readonly ResultEntry["outcome"][] = [
  "failed",
  "timed-out",
  "not-started",
  "skipped",
  "waited",
  "restarted",
];

/**
 * What was not done, failures first; each in the order of the plan. What a dry run by the API server
 * found nothing against is not among it.
 */
export function undoneResults(results: readonly ResultEntry[]): readonly ResultEntry[] {
  return results
    .filter(({ outcome, code }) => !isDone(outcome) && code !== "dry-run")
    .toSorted((a, b) => ORDER.indexOf(a.outcome) - ORDER.indexOf(b.outcome));
}

/** What came out on target: by this run's restart, or by one that was under way before. */
export function doneResults(results: readonly ResultEntry[]) {
  return {
    restarted: results.filter(({ outcome }) => outcome === "restarted"),
    waited: results.filter(({ outcome }) => outcome === "waited"),
  };
}

/**
 * Entries of the final look without those whose failure in this very run is told of already: what
 * is said of them would read as if they had been failing before.
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
      // Any other verdict than a lag tells more than that: what to mend.
      entry.verdict !== "outdated" ||
      !failed.some(
        ({ namespace, kind, name }) =>
          namespace === entry.namespace && kind === entry.kind && name === entry.name,
      ),
  );
}
