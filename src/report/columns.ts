import { cutMiddle } from "./plain.ts";
import type { Style } from "./style.ts";

const GAP = 3;
const NARROWEST = 12;
/** The widest column, in characters. A longer text is cut: no usable name or image is longer. */
const WIDEST = 512;

/** The columns that are never cut, because people copy their texts into commands. */
const COPIED: ReadonlySet<string> = new Set(["CLUSTER", "NAMESPACE", "WORKLOAD", "REVISION"]);

/** A table of a report: the title with its color, the headers and the cells. */
export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: Iterable<readonly string[]>;
  /** A line below the rows; absent if there is none. */
  readonly below?: string;
}

type Paint = (text: string, title: string | undefined) => string;

/**
 * Aligns rows under upper-case headers, as kubectl prints them, and fits them to the terminal.
 *
 * @param rows is iterated twice, first for the widths and then for the text, so that a large
 *   cluster needs no copy of all rows.
 * @param paint colors a cell with its final text, by the title of its column.
 */
export function* columns(
  head: readonly string[],
  rows: Iterable<readonly string[]>,
  style: Style,
  paint: Paint = (text) => text,
): Generator<string> {
  const widths = columnWidths(head, rows, style);
  if (widths === undefined) return;
  const fit = fitWidths(head, widths, style.width);
  const line = (row: readonly string[], color: Paint) =>
    row
      .map((text, column) => {
        const width = fit[column] ?? text.length;
        const cell = cutMiddle(text, width);
        return color(cell, head[column]) + " ".repeat(width + GAP - cell.length);
      })
      .join("")
      .trimEnd();
  if (style.headers) yield line(head, (text) => text);
  for (const row of rows) yield line(row, paint);
}

/** Returns an iterable of rows that creates them again in every iteration. */
export function rowsOf<Item>(
  items: Iterable<Item>,
  row: (item: Item) => readonly string[],
): Iterable<readonly string[]> {
  return {
    *[Symbol.iterator]() {
      for (const item of items) yield row(item);
    },
  };
}

/** Returns the width of the widest row, if nothing is cut; `undefined` without rows. */
export function naturalWidth(
  head: readonly string[],
  rows: Iterable<readonly string[]>,
  style: Style,
): number | undefined {
  const widths = columnWidths(head, rows, style);
  return widths && sum(widths) + GAP * (widths.length - 1);
}

function columnWidths(
  head: readonly string[],
  rows: Iterable<readonly string[]>,
  style: Style,
): readonly number[] | undefined {
  const widths = head.map((title) => (style.headers ? title.length : 0));
  let empty = true;
  for (const row of rows) {
    empty = false;
    for (const [column, text] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, text.length);
    }
  }
  return empty ? undefined : widths;
}

/** Narrows the widest column that may be cut until the row fits. */
function fitWidths(
  head: readonly string[],
  widths: readonly number[],
  total: number | undefined,
): readonly number[] {
  const result = widths.map((width) => Math.min(width, WIDEST));
  const room = (total ?? Infinity) - GAP * (widths.length - 1);
  const isCut = (_width: number, column: number) => !COPIED.has(head[column] ?? "");
  for (let over = sum(result) - room; over > 0; over = sum(result) - room) {
    const widest = Math.max(0, ...result.filter(isCut));
    if (widest <= NARROWEST) break;
    result[result.findIndex((width, column) => width === widest && isCut(width, column))] =
      widest - 1;
  }
  return result;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
