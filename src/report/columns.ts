import { cutMiddle } from "./plain.ts";
import type { Style } from "./style.ts";

const GAP = 3;
const NARROWEST = 12;
/** The widest column, in characters. A longer text is cut: no usable name or image is longer. */
const WIDEST = 512;

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
  const widths = head.map((title) => (style.headers ? title.length : 0));
  let empty = true;
  for (const row of rows) {
    empty = false;
    for (const [column, text] of row.entries()) {
      widths[column] = Math.max(widths[column] ?? 0, text.length);
    }
  }
  if (empty) return;
  const fit = fitWidths(widths, style.width);
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

/** Narrows the widest column until the row fits. */
function fitWidths(widths: readonly number[], total: number | undefined): readonly number[] {
  const result = widths.map((width) => Math.min(width, WIDEST));
  const room = (total ?? Infinity) - GAP * (widths.length - 1);
  for (let over = sum(result) - room; over > 0; over = sum(result) - room) {
    const widest = Math.max(...result);
    if (widest <= NARROWEST) break;
    result[result.indexOf(widest)] = widest - 1;
  }
  return result;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
