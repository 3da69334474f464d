import type { Cell } from "./matrix.ts";

/**
 * Returns a fixed sample of cells. It contains every request of every command and every fault, once
 * and always. The next cell is always one whose fault was chosen least often.
 */
export function sampleOf(cells: readonly Cell[]): readonly Cell[] {
  const chosen = new Map<string, Cell>();
  const chosenByFault = new Map<string, number>();
  const countOf = (cell: Cell) => chosenByFault.get(faultOf(cell)) ?? 0;
  const take = (candidates: readonly Cell[]) => {
    const [first, ...others] = candidates;
    if (first === undefined) return;
    const next = others.reduce(
      (least, cell) => (countOf(cell) < countOf(least) ? cell : least),
      first,
    );
    chosen.set(nameOf(next), next);
    chosenByFault.set(faultOf(next), countOf(next) + 1);
  };
  for (const request of new Set(cells.map(requestOf))) {
    take(cells.filter((cell) => requestOf(cell) === request));
  }
  for (const fault of new Set(cells.map(faultOf))) {
    if (!chosenByFault.has(fault)) take(cells.filter((cell) => faultOf(cell) === fault));
  }
  return [...chosen.values()];
}

/** Returns a sample with every fault once. */
export function eachFaultOnce(cells: readonly Cell[]): readonly Cell[] {
  const byFault = new Map(sampleOf(cells).map((cell) => [cell.fault.name, cell]));
  return [...byFault.values()];
}

export function nameOf(cell: Cell): string {
  return `${requestOf(cell)}: ${faultOf(cell)}`;
}

function requestOf({ command, variant, key }: Cell): string {
  return `${command} ${key === "all requests" ? `(${variant}) ` : ""}${key}`;
}

function faultOf({ fault, times }: Cell): string {
  return `${fault.name}, ${times}`;
}
