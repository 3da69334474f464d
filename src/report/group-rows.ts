import { capitalized, listing } from "../wording.ts";
import { ageCell } from "./age-text.ts";
import type { GroupEntry, LabelFields, Report, StatusReport, WorkloadEntry } from "./document.ts";
import { labelCells } from "./label-columns.ts";
import { plain } from "./plain.ts";
import { groupEntries, ownGroup } from "./workload-groups.ts";

/** The most workloads that the default table has a row for each of. */
const MOST_ROWS = 20;

/**
 * True if a table of workloads is too long for a person who did not ask for each: a namespace or a
 * workload that the user names is a question about its workloads.
 */
export function hidesRows({ scope }: Pick<Report, "scope">, rows: number, wide: boolean): boolean {
  const { namespaces, namespaceSelector, workloads } = scope;
  const isNamed = workloads.length > 0 || (namespaces !== null && namespaceSelector === null);
  return !wide && !isNamed && rows > MOST_ROWS;
}

/** The groups that a report shows, and what they are. */
export interface ShownGroups {
  /** The value of `--group-by`. */
  readonly by: string;
  readonly groups: readonly GroupEntry[];
  readonly nameOf: (entry: Pick<WorkloadEntry, "namespace" | "group">) => string | null;
}

/**
 * Returns the groups that the user asked for, or of many workloads those of the namespaces; `undefined`
 * if there are few, or nothing is left to do.
 */
export function shownGroups(report: Report | StatusReport, wide: boolean): ShownGroups | undefined {
  const { groupBy, groups } = report;
  if (groupBy !== undefined && groups !== undefined) {
    return { by: groupBy, groups, nameOf: ownGroup };
  }
  // The state of an upgrade has a row for each namespace anyway.
  if (report.kind === "StatusReport") return undefined;
  const { workloads } = report;
  const restarts = report.kind === "RestartReport" ? report : undefined;
  const rows = restarts ? restarts.steps.length : workloads.length;
  if (!hidesRows(report, rows, wide)) return undefined;
  const nameOf = ({ namespace }: Pick<WorkloadEntry, "namespace">) => namespace;
  const all = groupEntries(workloads, nameOf, restarts);
  return all.some(isOpen) ? { by: "namespace", groups: all, nameOf } : undefined;
}

/** True if something is left to do in a group, or was done. */
export function isOpen(group: GroupEntry): boolean {
  return COLUMNS.some(({ isOpen: counts, of }) => counts && of(group) > 0);
}

interface Column {
  readonly title: string;
  readonly of: (group: GroupEntry) => number;
  /** True for a number that keeps a group from being finished, or that the run is about. */
  readonly isOpen: boolean;
}

const COLUMNS: readonly Column[] = [
  { title: "Planned", of: ({ planned = 0 }) => planned, isOpen: true },
  { title: "Done", of: ({ done = 0 }) => done, isOpen: true },
  { title: "Outdated", of: ({ outdated }) => outdated, isOpen: true },
  { title: "By hand", of: ({ byHand }) => byHand, isOpen: true },
  { title: "Lose", of: ({ wouldLose }) => wouldLose, isOpen: true },
  { title: "Blocked", of: ({ blocked }) => blocked, isOpen: true },
  { title: "Missing", of: ({ missing }) => missing, isOpen: true },
  { title: "Unknown", of: ({ unknown }) => unknown, isOpen: true },
  { title: "Not ready", of: ({ notReady }) => notReady, isOpen: true },
  { title: "Current", of: ({ current }) => current, isOpen: false },
  { title: "Other", of: otherWorkloads, isOpen: false },
];

/** The columns that every table of groups has. The others are left out if they have only zeros. */
const ALWAYS: ReadonlySet<string> = new Set(["Outdated", "Current"]);

/** The columns that a narrow terminal does not show, the first one first. */
const SPARE = ["Other", "Not ready", "Current", "Oldest"] as const;
/** Pods that are not ready are what `verify` is about. */
const SPARE_OF_VERIFY = ["Other", "Current", "Oldest", "Not ready"] as const;

/** Workloads that are pinned, managed or excluded. */
function otherWorkloads(group: GroupEntry): number {
  const { workloads, outdated, wouldLose, blocked, missing, unknown, current } = group;
  return workloads - outdated - wouldLose - blocked - missing - unknown - current;
}

/** The cells of a table of groups, in sentence case. */
export interface GroupRows {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface GroupRowOptions {
  /** True for every column, so that a script can count them. */
  readonly all: boolean;
  /** Returns the headings of keys. */
  readonly titlesOf: (keys: readonly string[]) => readonly string[];
  /** Returns false if the table is too wide; then columns without a problem are left out. */
  readonly isFitting?: (rows: GroupRows) => boolean;
}

/** Returns the cells of groups. */
export function groupRows(
  { workloads = [], labelColumns = [], kind }: GroupedReport,
  { by, groups, nameOf }: ShownGroups,
  { all, titlesOf, isFitting = () => true }: GroupRowOptions,
): GroupRows {
  const isRestart = kind === "RestartReport";
  const kept = COLUMNS.filter(({ title, of }) => {
    if (title === "Planned" || title === "Done") return isRestart && (all || groups.some(of));
    return all || ALWAYS.has(title) || groups.some((group) => of(group) > 0);
  });
  const isAged = !isRestart && (all || groups.some(({ oldest }) => oldest !== undefined));
  // A report without workloads does not tell which group has which labels.
  const own = keyOf(by);
  const keys = workloads.length === 0 ? [] : labelColumns.filter((key) => key !== own);
  const labels = labelTexts(workloads, keys, nameOf);
  const table = (omitted: ReadonlySet<string>): GroupRows => {
    const shown = kept.filter(({ title }) => !omitted.has(title));
    const hasAge = isAged && !omitted.has("Oldest");
    return {
      head: [
        ...(own === undefined ? [groupTitle(by)] : titlesOf([own])),
        ...titlesOf(keys),
        ...shown.map(({ title }) => title),
        ...(hasAge ? ["Oldest"] : []),
      ],
      rows: groups.map((group) => [
        groupName(group.name),
        ...keys.map((key) => labels.get(group.name)?.get(key) ?? "-"),
        ...shown.map(({ of }) => String(of(group))),
        ...(hasAge ? [ageCell(group.oldest) || "-"] : []),
      ]),
    };
  };
  const omitted = new Set<string>();
  let found = table(omitted);
  const spare = kind === "VerifyReport" ? SPARE_OF_VERIFY : SPARE;
  for (const title of all ? [] : spare) {
    if (isFitting(found)) break;
    omitted.add(title);
    found = table(omitted);
  }
  return found;
}

/** The part of a report that a table of groups needs. */
export interface GroupedReport {
  readonly kind: string;
  /** Absent if the report has only their groups. */
  readonly workloads?: readonly (Pick<WorkloadEntry, "namespace"> & LabelFields)[];
  readonly labelColumns?: readonly string[];
}

/** Returns the name of a group as tables show it. */
export function groupName(name: string | null): string {
  if (name === null) return "(none)";
  return plain(name) || '""';
}

/** `Namespace` for `namespace`, `team` for `namespace-label=team`. */
export function groupTitle(by: string): string {
  return keyOf(by) ?? capitalized(by);
}

/** Returns the key in a value of `--group-by`; `undefined` if it has none. */
function keyOf(by: string): string | undefined {
  return /=(.*)$/s.exec(by)?.[1];
}

/** The values of one label that a cell names. */
const MOST_VALUES = 2;

/** Returns the labels of the workloads of each group: `payments`, or `data, payments and 1 more`. */
function labelTexts(
  workloads: NonNullable<GroupedReport["workloads"]>,
  keys: readonly string[],
  nameOf: ShownGroups["nameOf"],
): ReadonlyMap<string | null, ReadonlyMap<string, string>> {
  const values = new Map<string | null, Map<string, Set<string>>>();
  for (const entry of keys.length === 0 ? [] : workloads) {
    const name = nameOf(entry);
    const own = values.get(name) ?? new Map(keys.map((key) => [key, new Set<string>()]));
    values.set(name, own);
    const cells = labelCells(entry, keys);
    for (const [index, key] of keys.entries()) {
      const cell = cells[index] ?? "-";
      if (cell !== "-") own.get(key)?.add(cell);
    }
  }
  return new Map(
    [...values].map(([name, own]) => [
      name,
      new Map([...own].map(([key, found]) => [key, valuesText([...found].sort())])),
    ]),
  );
}

function valuesText(values: readonly string[]): string {
  return listing(values.slice(0, MOST_VALUES), values.length) || "-";
}
