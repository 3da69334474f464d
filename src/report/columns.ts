import { cutMiddle } from "./plain.ts";
import type { Style } from "./style.ts";

const GAP = 3;
const NARROWEST = 12;
/** No name and no image that a cluster can use is longer: a longer text is cut, not padded for. */
const WIDEST = 512;

/** Rows under upper-case headers, as kubectl prints them; cut to the terminal's width if there is one. */
export function columns(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style,
): readonly string[] {
  if (rows.length === 0) return [];
  const all = style.headers ? [head, ...rows] : rows;
  const widths = head.map((_, column) =>
    all.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0),
  );
  const fit = fitted(widths, style.width);
  return all.map((row) =>
    row
      .map((text, column) => {
        const width = fit[column] ?? text.length;
        return cutMiddle(text, width).padEnd(width + GAP);
      })
      .join("")
      .trimEnd(),
  );
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
