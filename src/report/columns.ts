import type { Style } from "./style.ts";

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
  const widths = head.map((_, column) =>
    all.reduce((widest, row) => Math.max(widest, row[column]?.length ?? 0), 0),
  );
  const fit = fitted(widths, style.width);
  return all.map((row) =>
    row
      .map((text, column) => {
        const width = fit[column] ?? text.length;
        return cut(text, width).padEnd(width + GAP);
      })
      .join("")
      .trimEnd(),
  );
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
