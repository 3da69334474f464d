import { readAge } from "../age-text.ts";
import type { WorkloadEntry } from "../document.ts";

const DAY = 86_400;

/** The ages in a histogram: a name, and the least number of seconds. */
const RANGES = [
  ["less than 1 day", 0],
  ["1 to 7 days", DAY],
  ["7 to 30 days", 7 * DAY],
  ["30 to 90 days", 30 * DAY],
  ["90 days or more", 90 * DAY],
] as const;

/** The outdated workloads of one range of ages. */
export interface AgeGroup {
  readonly name: string;
  readonly workloads: number;
  readonly isOld: boolean;
}

/**
 * Counts outdated workloads by the time for which they have been outdated at least. Empty if none is
 * outdated.
 */
export function ageGroups(workloads: readonly WorkloadEntry[]): readonly AgeGroup[] {
  const outdated = workloads.filter(({ verdict }) => verdict === "outdated");
  if (outdated.length === 0) return [];
  const ages = outdated.map(({ outdatedFor }) =>
    outdatedFor === undefined ? undefined : readAge(outdatedFor).atLeast,
  );
  const groups = RANGES.map(([name, from], index) => {
    const [, to] = RANGES[index + 1] ?? ["", Infinity];
    const found = ages.filter((age) => age !== undefined && age >= from && age < to);
    return { name, workloads: found.length, isOld: from >= 30 * DAY };
  });
  const unknown = ages.filter((age) => age === undefined).length;
  return [...groups, { name: "unknown age", workloads: unknown, isOld: true }].filter(
    (group) => group.workloads > 0,
  );
}
