import { type Command, COMMANDS } from "./expected.ts";
import type { Cell } from "./matrix.ts";

/** What became of a cell. */
export interface Outcome {
  readonly cell: Pick<Cell, "command" | "times" | "key"> & { readonly fault: string };
  /** What is wrong; absent where it is as it should be. */
  readonly wrong?: string | undefined;
}

/** Cells passed of all, by fault and command, as a table for people. */
export function tallyTable(outcomes: readonly Outcome[]): string {
  const faults = [...new Set(outcomes.map(({ cell }) => cell.fault))];
  const count = (fault: string | undefined, command: Command | undefined) => {
    const counted = outcomes.filter(
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

export function tallyLine(outcomes: readonly Outcome[], all: number, milliseconds: number): string {
  const passed = outcomes.filter(({ wrong }) => wrong === undefined).length;
  const of = outcomes.length === all ? "" : ` (a sample of ${all})`;
  return `faults: ${passed} of ${outcomes.length} cells are as they should be${of}, in ${Math.round(milliseconds / 1000)} s`;
}
