import type { Cell, Matrix } from "./matrix.ts";
import type { CellResult } from "./summary.ts";

/**
 * Runs cells of the matrix, as many at a time as there are matrices. Each matrix has its own
 * cluster, and most of the time of a run is waiting.
 */
export async function runCells(
  matrices: readonly Matrix[],
  cells: readonly Cell[],
  report: (result: CellResult) => void,
): Promise<void> {
  const left = cells.values();
  await Promise.all(
    matrices.map(async (matrix) => {
      // The iterator is shared, so that every matrix takes the next cell when it is ready.
      for (const cell of left) {
        const wrong = await matrix.run(cell).catch((error: unknown) => `threw ${String(error)}`);
        const { command, times, key, fault } = cell;
        report({ cell: { command, times, key, fault: fault.name }, wrong });
      }
    }),
  );
}
