import { count } from "../wording.ts";
import { naturalWidth, rowsOf, type Table } from "./columns.ts";
import type { Report, StatusReport } from "./document.ts";
import {
  type GroupedReport,
  groupRows,
  type GroupRows,
  groupTitle,
  isOpen,
  shownGroups,
  type ShownGroups,
} from "./group-rows.ts";
import { labelHead, shortKey } from "./label-columns.ts";
import { type Lines, titled, wrapped } from "./sections.ts";
import type { Style } from "./style.ts";
import { renderRows } from "./tables.ts";

/** The groups that fit on a screen, besides the rest of the report. */
const MOST_GROUPS = 20;

/**
 * Returns the lines of the summary: a row for each group that the user asked for, or for each namespace
 * of many workloads. Without headers, only the rows remain.
 */
export function groupLines(report: Report | StatusReport, style: Style, wide: boolean): Lines {
  const shown = shownGroups(report, wide);
  if (shown === undefined) return [];
  const { groups } = shown;
  // A summary that nobody asked for is about what is left to do.
  const isLong =
    !wide && style.headers && report.groups === undefined && groups.length > MOST_GROUPS;
  const listed = isLong ? groups.filter(isOpen) : groups;
  const { summary, gaps } = report;
  const totals = { ...summary, isComplete: gaps.length === 0 };
  const lines = groupSection({ ...shown, groups: listed }, report, totals, style);
  return style.headers ? withRest(lines, groups.length - listed.length) : lines;
}

/**
 * Returns the lines of a table of groups, with its title.
 *
 * @param report the report that the groups are of: its kind, workloads and label columns.
 */
export function groupSection(
  shown: ShownGroups,
  report: GroupedReport,
  totals: { readonly workloads: number; readonly pods: number; readonly isComplete: boolean },
  style: Style,
): Lines {
  const isFitting = ({ head, rows }: GroupRows) =>
    (naturalWidth(head, rowsOf(rows, withShortLabels), style) ?? 0) <= (style.width ?? Infinity);
  const options = { all: !style.headers, titlesOf: labelHead, isFitting };
  const lines = renderRows(upperCase(groupRows(report, shown, options)), style);
  if (!style.headers) return lines;
  const size = `${count(totals.workloads, "workload")}, ${count(totals.pods, "pod")}`;
  const title = style.bold(`BY ${shortKey(groupTitle(shown.by))}: ${size}`);
  // A group may have workloads that could not be read.
  const incomplete = totals.isComplete ? "" : `, ${style.bad("incomplete: see NOT READ")}`;
  return titled(wrapped(`${title}${incomplete}`, style), lines);
}

/** The width to which labels are rather cut than that a column is left out. */
const SHORT = 20;

function withShortLabels([name = "", ...cells]: readonly string[]): readonly string[] {
  return [name, ...cells.map((cell) => cell.slice(0, SHORT))];
}

function upperCase({ head, rows }: GroupRows): Table {
  return { title: "", head: head.map((title) => title.toUpperCase()), rows };
}

function* withRest(lines: Lines, hidden: number): Generator<string> {
  yield* lines;
  if (hidden > 0) yield `and ${count(hidden, "namespace")} with nothing left to do: -o wide`;
}
