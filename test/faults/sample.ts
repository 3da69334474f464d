import type { Cell } from "./matrix.ts";

/**
 * A fixed choice of cells: each request of each command once at least, and each fault, once and for
 * ever. Whichever was struck least so far is next, so that all get their turn.
 */
export function sampleOf(cells: readonly Cell[]): readonly Cell[] {
  const chosen = new Map<string, Cell>();
  const struck = new Map<string, number>();
  const countOf = (cell: Cell) => struck.get(faultOf(cell)) ?? 0;
  const take = (candidates: readonly Cell[]) => {
    const [first, ...others] = candidates;
    if (first === undefined) return;
    const next = others.reduce(
      (least, cell) => (countOf(cell) < countOf(least) ? cell : least),
      first,
    );
    chosen.set(nameOf(next), next);
    struck.set(faultOf(next), countOf(next) + 1);
  };
  for (const request of new Set(cells.map(requestOf))) {
    take(cells.filter((cell) => requestOf(cell) === request));
  }
  for (const fault of new Set(cells.map(faultOf))) {
    if (!struck.has(fault)) take(cells.filter((cell) => faultOf(cell) === fault));
  }
  return [...chosen.values()];
}

/** Only as many of a sample as it takes to meet every fault. */
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
