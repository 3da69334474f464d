import { isDone } from "../rollout/result.ts";
import { type GroupingSettings, groupByText } from "../grouping.ts";
import { oldestAge } from "../mesh/age.ts";
import { compareText } from "../snapshot.ts";
import { readAge } from "./age-text.ts";
import type {
  GroupEntry,
  Report,
  ResultEntry,
  RestartReport,
  StepEntry,
  WorkloadEntry,
} from "./document.ts";
import { ageEntry, summaryEntry } from "./entries.ts";
import { countEntries } from "./exit-reasons.ts";

/** The restarts of a report, which are counted for each group. */
export type Restarts = Pick<RestartReport, "steps" | "results">;

/** The part of an entry by which it is counted. */
type Grouped = Pick<WorkloadEntry, "namespace" | "group">;

/**
 * Counts workloads by group, sorted by name; those without one come last.
 *
 * @param restarts the plan and its results; `undefined` if nothing was to be restarted.
 */
export function groupEntries(
  workloads: readonly WorkloadEntry[],
  nameOf: (entry: Grouped) => string | null,
  restarts?: Restarts,
): readonly GroupEntry[] {
  const members = byName(workloads, nameOf);
  const steps = byName(restarts?.steps ?? [], nameOf);
  const results = byName(restarts?.results ?? [], nameOf);
  const names = new Set([...members.keys(), ...steps.keys(), ...results.keys()]);
  return [...names].sort(compareNames).map((name) => {
    const entries = members.get(name) ?? [];
    return {
      name,
      ...groupCounts(entries),
      ...(restarts && restartCounts(steps.get(name) ?? [], results.get(name) ?? [])),
    };
  });
}

/** Adds up the groups of several clusters that have the same name. */
export function mergeGroups(groups: readonly GroupEntry[]): readonly GroupEntry[] {
  const merged = new Map<string | null, GroupEntry>();
  for (const group of groups) {
    const before = merged.get(group.name);
    merged.set(group.name, before === undefined ? group : sumOf(before, group));
  }
  return [...merged.values()].sort((a, b) => compareNames(a.name, b.name));
}

function sumOf(one: GroupEntry, other: GroupEntry): GroupEntry {
  const sum = (of: (group: GroupEntry) => number) => of(one) + of(other);
  const ages = [one, other].flatMap(({ oldest }) => (oldest ? readAge(oldest) : []));
  return {
    name: one.name,
    workloads: sum(({ workloads }) => workloads),
    pods: sum(({ pods }) => pods),
    outdated: sum(({ outdated }) => outdated),
    byHand: sum(({ byHand }) => byHand),
    wouldLose: sum(({ wouldLose }) => wouldLose),
    blocked: sum(({ blocked }) => blocked),
    missing: sum(({ missing }) => missing),
    unknown: sum(({ unknown }) => unknown),
    notReady: sum(({ notReady }) => notReady),
    current: sum(({ current }) => current),
    ...(ages.length === 0 ? {} : { oldest: ageEntry(oldestAge(ages)) }),
  };
}

/** Returns the fields that `--group-by` and `--label-columns` add to a report. */
export function groupFields(
  { groupBy, labelColumns }: GroupingSettings,
  workloads: readonly WorkloadEntry[],
  restarts?: Restarts,
): Pick<Report, "groupBy" | "groups" | "labelColumns"> {
  return {
    ...(groupBy && {
      groupBy: groupByText(groupBy),
      groups: groupEntries(workloads, ownGroup, restarts),
    }),
    ...(labelColumns.length > 0 && { labelColumns }),
  };
}

/** Returns the group of `--group-by` that an entry belongs to. */
export function ownGroup({ group = null }: Grouped): string | null {
  return group;
}

function byName<Entry extends Grouped>(
  entries: readonly Entry[],
  nameOf: (entry: Grouped) => string | null,
): ReadonlyMap<string | null, readonly Entry[]> {
  const groups = new Map<string | null, Entry[]>();
  for (const entry of entries) {
    const name = nameOf(entry);
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [entry]);
    else group.push(entry);
  }
  return groups;
}

function compareNames(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return compareText(a, b);
}

function groupCounts(entries: readonly WorkloadEntry[]): Omit<GroupEntry, "name"> {
  const { workloads, pods, byVerdict, oldest } = summaryEntry(entries);
  const counts = countEntries(entries, 0);
  return {
    workloads,
    pods,
    outdated: counts.outdated,
    byHand: counts["by-hand"],
    wouldLose: counts["would-lose"],
    blocked: counts.blocked,
    missing: counts.missing,
    unknown: counts.unknown,
    notReady: counts["not-ready"],
    current: byVerdict.current ?? 0,
    ...(oldest === undefined ? {} : { oldest }),
  };
}

function restartCounts(
  steps: readonly StepEntry[],
  results: readonly ResultEntry[],
): Pick<GroupEntry, "planned" | "done"> {
  return { planned: steps.length, done: results.filter(({ outcome }) => isDone(outcome)).length };
}
