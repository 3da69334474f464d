import { count } from "../wording.ts";
import { NAMESPACE_HEAD, namespaceCells } from "./namespace-cells.ts";
import { ageCell, limitText } from "./age-text.ts";
import {
  CHANGE_HEAD,
  DOWNGRADE,
  downgradeText,
  OUTDATED_HEAD,
  outdatedCells,
  outdatedGroups,
  stepCells,
} from "./changes.ts";
import { columns, naturalWidth, rowsOf, type Table } from "./columns.ts";
import { condensedTable } from "./condensed-table.ts";
import { driftGroups, driftingText, driftTitle, exampleText } from "./drift-groups.ts";
import type {
  CheckReport,
  FindingEntry,
  LabelFields,
  Report,
  RestartReport,
  ResultEntry,
  WorkloadEntry,
} from "./document.ts";
import { isUnready, readiness } from "./entry-status.ts";
import { hidesRows } from "./group-rows.ts";
import { imageTexts } from "./image-text.ts";
import { labelCells, labelHead } from "./label-columns.ts";
import { plain } from "./plain.ts";
import { doneResults, outdatedEntries, withinEntries } from "./result-groups.ts";
import { type Lines, titled, workloadName, wrapped } from "./sections.ts";
import type { Style } from "./style.ts";
import { checksText, WAVE_HEAD, waveRows } from "./wave-rows.ts";

export function targetsTable({ targets, workloads }: Report, style: Style, wide: boolean): Table {
  const ready = { true: "yes", false: "no", null: "unknown" } as const;
  const used = new Set(
    workloads.flatMap(({ target, running }) => [
      target?.revision,
      ...running.map(({ revision }) => revision),
    ]),
  );
  return {
    title: style.bold("TARGETS"),
    head: ["REVISION", "IMAGE", "TAGS", "READY"],
    rows: targets
      .filter(({ revision }) => wide || used.has(revision))
      .map((target) => [
        plain(target.revision),
        plain(target.image ?? "unknown"),
        plain(target.tags.join(",")) || "-",
        ready[`${target.ready}`],
      ]),
  };
}

/** Returns the outdated workloads that a restart fixes, unless a result shows them already. */
export function outdatedTable(report: Report, style: Style, wide: boolean): Table {
  return changesTable("OUTDATED", outdatedEntries(report), report, style, wide);
}

/** Returns the outdated workloads that `--max-age` keeps from the exit code. */
export function withinTable(report: Report, style: Style, wide: boolean): Table {
  const limit = limitText(report.maxAge ?? "").toUpperCase();
  return changesTable(limit, withinEntries(report), report, style, wide);
}

function changesTable(
  what: string,
  entries: readonly WorkloadEntry[],
  report: Report,
  style: Style,
  wide: boolean,
): Table {
  const groups = outdatedGroups(entries);
  const imageText = imageTexts(wide);
  const total = groups.reduce((sum, { running }) => sum + running.pods, 0);
  const title = `${what}: ${count(entries.length, "workload")}, ${count(total, "pod")}`;
  const table = withoutAges(isAged(entries), {
    title: withDowngrades(style.warn(title), entries, style),
    head: OUTDATED_HEAD.map((name) => name.toUpperCase()),
    rows: rowsOf(groups, (group) => outdatedCells(group, imageText, wide)),
  });
  const labelled = withLabelColumns(
    table,
    groups.map(({ entry }) => entry),
    report.labelColumns,
  );
  return style.headers && hidesRows(report, entries.length, wide)
    ? condensedTable(labelled, "each workload: -o wide, or --namespace NAMESPACE")
    : labelled;
}

/** Adds the columns of `--label-columns` to the rows of workloads or restarts, in the same order. */
function withLabelColumns(
  table: Table,
  entries: readonly LabelFields[],
  keys: readonly string[] = [],
): Table {
  if (keys.length === 0) return table;
  return {
    ...table,
    head: [...table.head, ...labelHead(keys)],
    rows: {
      *[Symbol.iterator]() {
        let index = 0;
        for (const row of table.rows) {
          yield [...row, ...labelCells(entries[index] ?? {}, keys)];
          index += 1;
        }
      },
    },
  };
}

function isAged(entries: readonly WorkloadEntry[]): boolean {
  return entries.some(({ outdatedFor }) => outdatedFor !== undefined);
}

/** Removes the last column, which has the ages, if there are none. */
function withoutAges(hasAges: boolean, table: Table): Table {
  if (hasAges) return table;
  const { title, head, rows } = table;
  return { title, head: head.slice(0, -1), rows: rowsOf(rows, (row) => row.slice(0, -1)) };
}

/** Returns the namespaces of a move, with the revisions that their pods run. */
export function namespacesTable(report: RestartReport, style: Style): Table {
  const { move, namespaces = [], labelColumns } = report;
  const table = {
    title: style.bold(`NAMESPACES: ${namespaces.length} to ${plain(move?.to ?? "")}`),
    head: NAMESPACE_HEAD.map((name) => name.toUpperCase()),
    rows: rowsOf(namespaces, namespaceCells),
  };
  return withLabelColumns(table, namespaces, labelColumns);
}

export function planTable(report: RestartReport, style: Style, wide: boolean): Table {
  const { steps, labelColumns, inPlace } = report;
  const imageText = imageTexts(wide);
  const isHidden = style.headers && hidesRows(report, steps.length, wide);
  const what = inPlace === undefined ? "to restart" : "to get new sidecars in place";
  const title = `PLAN: ${count(steps.length, "workload")} ${what}${isHidden ? "" : ", in this order"}`;
  const table = {
    title: withDowngrades(style.bold(title), steps, style),
    head: CHANGES,
    rows: rowsOf(steps, (entry) => stepCells(entry, imageText)),
  };
  return isHidden
    ? condensedTable(table, "each workload: -o wide")
    : withLabelColumns(table, steps, labelColumns);
}

/** Returns the waves of a plan, and how they ended. */
export function wavesTable(report: RestartReport, style: Style, wide: boolean): Table {
  const checks = report.pace === null ? "" : checksText(report.pace);
  const title = `WAVES: ${report.waves.length}${checks === "" ? "" : `, ${checks}`}`;
  return {
    title: style.bold(title),
    head: WAVE_HEAD.map((name) => name.toUpperCase()),
    rows: waveRows(report, wide),
  };
}

export function doneTables(report: RestartReport, style: Style, wide: boolean): readonly Table[] {
  const { results, labelColumns } = report;
  const { restarted, replaced, waited } = doneResults(results);
  const all = count(results.length, "workload");
  const imageText = imageTexts(wide);
  const table = (title: string, done: readonly ResultEntry[]): Table => {
    const rows = {
      title: style.good(`${title}: ${done.length} of ${all}`),
      head: [...CHANGES, ...(wide ? ["SECONDS"] : [])],
      rows: rowsOf(done, (result) => [
        ...stepCells(result, imageText),
        ...(wide ? [secondsOf(result)] : []),
      ]),
    };
    return style.headers && hidesRows(report, done.length, wide)
      ? condensedTable(rows)
      : withLabelColumns(rows, done, labelColumns);
  };
  return [
    table("RESTARTED", restarted),
    table("REPLACED IN PLACE", replaced),
    table("WAITED FOR", waited),
  ];
}

/** Returns a row for each result, with its outcome. */
export function resultsTable({ results, labelColumns }: RestartReport, style: Style): Table {
  const imageText = imageTexts(false);
  const table = {
    title: style.bold("RESULTS"),
    head: [...CHANGES, "OUTCOME"],
    rows: rowsOf(results, (result) => [...stepCells(result, imageText), result.outcome]),
  };
  return withLabelColumns(table, results, labelColumns);
}

export function unreadyTable({ workloads, labelColumns }: Report, style: Style): Table {
  const unready = workloads.filter(isUnready);
  const rows = unready.map((entry) => {
    const { ready, pods } = readiness(entry);
    return [plain(entry.namespace), workloadName(entry), `${ready}/${pods}`];
  });
  const table = {
    title: style.warn(`NOT READY: ${count(rows.length, "workload")}`),
    head: ["NAMESPACE", "WORKLOAD", "READY"],
    rows,
  };
  return withLabelColumns(table, unready, labelColumns);
}

/** The workloads that a comparison names, unless all are wanted. */
const MOST_COMPARED = 20;

/** Returns the workloads that the report of `--since` had other verdicts on. */
export function sinceTables({ since }: CheckReport, style: Style, wide: boolean): readonly Table[] {
  if (since === undefined) return [];
  const table = (
    title: string,
    other: string,
    entries: readonly FindingEntry[],
    otherOf: (index: number) => string | null | undefined,
  ): Table => {
    const shown = wide ? entries : entries.slice(0, MOST_COMPARED);
    const hidden = entries.length - shown.length;
    return {
      title: `${title} SINCE ${plain(since.generatedAt)}: ${count(entries.length, "workload")}`,
      head: ["NAMESPACE", "WORKLOAD", "VERDICT", other],
      rows: shown.map((entry, index) => [
        plain(entry.namespace),
        workloadName(entry),
        entry.verdict,
        otherOf(index) ?? "-",
      ]),
      ...(hidden > 0 && { below: `and ${hidden} more: -o wide` }),
    };
  };
  const found = table("NEW", "BEFORE", since.new, (index) => since.new[index]?.before);
  const gone = table("GONE", "NOW", since.gone, (index) => since.gone[index]?.now);
  return [
    { ...found, title: style.bad(found.title) },
    { ...gone, title: style.good(gone.title) },
  ];
}

/** Returns the changes of a restart besides the image of the sidecar. */
export function driftTable(report: Report, style: Style, wide: boolean): Table {
  const groups = driftGroups(report);
  const shown = (value: string | null) => (value === null ? "-" : plain(value));
  return {
    title: style.warn(`${driftTitle(report).toUpperCase()}: ${driftingText(groups)}`),
    head: ["WHAT", "PATH", "FROM", "TO", "WORKLOADS", ...(wide ? ["EXAMPLES"] : [])],
    rows: rowsOf(groups, (group) => [
      group.what,
      plain(group.path),
      shown(group.from),
      shown(group.to),
      String(group.workloads.length),
      ...(wide ? [plain(exampleText(group))] : []),
    ]),
  };
}

export function workloadsTable({ workloads, labelColumns }: Report, style: Style): Table {
  const groups = workloads.flatMap((entry) =>
    (entry.running.length > 0 ? entry.running : [undefined]).map((running) => ({ entry, running })),
  );
  const table = withoutAges(isAged(workloads), {
    title: style.bold("WORKLOADS"),
    head: ["NAMESPACE", "WORKLOAD", "VERDICT", "REVISION", "IMAGE", "READY", "FOR"],
    rows: rowsOf(groups, ({ entry, running }) => [
      plain(entry.namespace),
      workloadName(entry),
      entry.verdict,
      plain(running?.revision ?? "-"),
      plain(running?.image ?? "-"),
      running === undefined ? "0/0" : `${running.ready}/${running.pods}`,
      ageCell(running?.outdatedFor, true) || "-",
    ]),
  });
  return withLabelColumns(
    table,
    groups.map(({ entry }) => entry),
    labelColumns,
  );
}

const CHANGES = CHANGE_HEAD.map((title) => title.toUpperCase());

/** Adds the number of workloads that would get an older version to a title. */
function withDowngrades(
  title: string,
  entries: readonly Pick<WorkloadEntry, "change">[],
  style: Style,
): string {
  const older = downgradeText(entries);
  return older === "" ? title : `${title} ${style.bad(`(${older})`)}`;
}

function secondsOf({ startedAt, finishedAt }: ResultEntry): string {
  if (startedAt === null) return "-";
  return String(Math.round((Date.parse(finishedAt) - Date.parse(startedAt)) / 1000));
}

/** Renders a table below its title; nothing if the table has no rows. */
export function renderTable(given: Table, style: Style): Lines {
  const table = withoutSharedChange(given, style);
  return titled(wrapped(table.title, style), withLineBelow(table, style));
}

function* withLineBelow(table: Table, style: Style): Generator<string> {
  let hasRows = false;
  for (const row of renderRows(table, style)) {
    hasRows = true;
    yield row;
  }
  if (hasRows && table.below !== undefined) yield style.dim(table.below);
}

/** Renders the headers, unless the style has none, and the rows. Downgrades are red. */
export function renderRows({ head, rows }: Table, style: Style): Lines {
  return columns(head, rows, style, (cell, title) =>
    title === "CHANGE" && cell === DOWNGRADE ? style.bad(cell) : cell,
  );
}

/**
 * If a table is too wide for the terminal, and all rows have the same change, the title says it once
 * instead of two columns.
 */
function withoutSharedChange(table: Table, style: Style): Table {
  const { title, head, rows } = table;
  const from = head.indexOf("FROM");
  const isTooWide = (naturalWidth(head, rows, style) ?? 0) > (style.width ?? Infinity);
  const change = from < 0 || !isTooWide ? undefined : sharedChange(rows, from);
  if (change === undefined) return table;
  const isKept = (_cell: string, column: number) => column < from || column > from + 1;
  return {
    ...table,
    title: `${title}, all ${change}`,
    head: head.filter(isKept),
    rows: rowsOf(rows, (row) => row.filter(isKept)),
  };
}

function sharedChange(rows: Table["rows"], from: number): string | undefined {
  let shared: string | undefined;
  for (const row of rows) {
    const change = `${row[from]} -> ${row[from + 1]}`;
    if (change !== (shared ?? change)) return undefined;
    shared = change;
  }
  return shared;
}
