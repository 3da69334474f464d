import Table from "cli-table3";
import type { Style } from "./style.ts";

const BARE = Object.fromEntries(
  [
    ["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left"],
    ["bottom-right", "left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"],
  ]
    .flat()
    .map((name) => [name, ""]),
);

const GAP = 3;
const NARROWEST = 12;

/** Rows under upper-case headers, as kubectl prints them; cut to the terminal's width if there is one. */
export function columns(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  style: Style,
): readonly string[] {
  if (rows.length === 0) return [];
  const all = style.headers ? [head, ...rows] : rows;
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const fit = fitted(widths, style.width);
  const table = new Table({
    chars: BARE,
    colWidths: fit.map((width) => width + GAP),
    style: { "padding-left": 0, "padding-right": GAP, head: [], border: [], compact: true },
  });
  table.push(...all.map((row) => row.map((text, column) => cut(text, fit[column] ?? text.length))));
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd());
}

/** Cut in the middle: the end of a name or an image tells more than what comes before it. */
function cut(text: string, width: number): string {
  if (text.length <= width) return text;
  const head = Math.floor((width - 1) / 3);
  return `${text.slice(0, head)}…${text.slice(text.length - (width - 1 - head))}`;
}

/** Takes from the widest column until the row fits. */
function fitted(widths: readonly number[], total: number | undefined): readonly number[] {
  const result = [...widths];
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
