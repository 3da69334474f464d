import { cutMiddle } from "./plain.ts";
import type { Style } from "./style.ts";

const GAP = 3;
const NARROWEST = 12;
/** No name and no image that a cluster can use is longer: a longer text is cut, not padded for. */
const WIDEST = 512;

/**
 * Rows under upper-case headers, as kubectl prints them; cut to the terminal's width if there is one.
 *
 * @param rows are gone through twice, for their widths and for their text: there may be too many to
 *   keep.
 */
export function* columns(
  head: readonly string[],
  rows: Iterable<readonly string[]>,
  style: Style,
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
  const fit = fitted(widths, style.width);
  const line = (row: readonly string[]) =>
    row
      .map((text, column) => {
        const width = fit[column] ?? text.length;
        return cutMiddle(text, width).padEnd(width + GAP);
      })
      .join("")
      .trimEnd();
  if (style.headers) yield line(head);
  for (const row of rows) yield line(row);
}

/** One row for every item, made whenever it is asked for. */
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

/** Takes from the widest column until the row fits. */
function fitted(widths: readonly number[], total: number | undefined): readonly number[] {
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
