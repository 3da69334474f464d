import type { Cell, Matrix } from "./matrix.ts";
import type { Outcome } from "./tally.ts";

/**
 * Runs cells, as many at a time as there are matrices: each is of a cluster of its own, and most of
 * a run's time is patience.
 */
export async function runCells(
  matrices: readonly Matrix[],
  cells: readonly Cell[],
  tell: (outcome: Outcome) => void,
): Promise<void> {
  const left = cells.values();
  await Promise.all(
    matrices.map(async (matrix) => {
      // Shared on purpose: whoever is free takes the next.
      for (const cell of left) {
        const wrong = await matrix
          .run(cell)
          .catch((error: unknown) => `broke off: ${String(error)}`);
        const { command, times, key, fault } = cell;
        tell({ cell: { command, times, key, fault: fault.name }, wrong });
      }
    }),
  );
}
