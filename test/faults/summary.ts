import { type Command, COMMANDS } from "./expected.ts";
import type { Cell } from "./matrix.ts";

/** The result of one cell. */
export interface CellResult {
  readonly cell: Pick<Cell, "command" | "times" | "key"> & { readonly fault: string };
  /** The problem; absent if the cell passed. */
  readonly wrong?: string | undefined;
}

/** Returns a table of passed and all cells by fault and command. */
export function summaryTable(results: readonly CellResult[]): string {
  const faults = [...new Set(results.map(({ cell }) => cell.fault))];
  const count = (fault: string | undefined, command: Command | undefined) => {
    const counted = results.filter(
      ({ cell }) =>
        (fault === undefined || cell.fault === fault) &&
        (command === undefined || cell.command === command),
    );
    const passed = counted.filter(({ wrong }) => wrong === undefined).length;
    return counted.length === 0 ? "-" : `${passed}/${counted.length}`;
  };
  const rows = [
    ["fault", ...COMMANDS, "all"],
    ...[...faults, undefined].map((fault) => [
      fault ?? "all",
      ...[...COMMANDS, undefined].map((command) => count(fault, command)),
    ]),
  ];
  const widths = rows[0]?.map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

export function summaryLine(
  results: readonly CellResult[],
  all: number,
  milliseconds: number,
): string {
  const passed = results.filter(({ wrong }) => wrong === undefined).length;
  const sample = results.length === all ? "" : ` (sampled from ${all})`;
  return `faults: ${passed} of ${results.length} cells passed${sample}, in ${Math.round(milliseconds / 1000)} s`;
}
