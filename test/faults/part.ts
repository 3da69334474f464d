/** One process's share of the matrix: its number, of how many, which cluster, and a pattern. */
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { startRealCluster } from "../testbed/real-cluster.ts";
import { runCells } from "./lanes.ts";
import { openMatrix } from "./matrix.ts";
import { nameOf } from "./sample.ts";
import type { Outcome } from "./tally.ts";

/** How many cells there are, then the outcomes of those that were chosen. */
export type PartMessage = { readonly all: number } | Outcome;

/** Runs wait for most of their time. */
const LANES = 4;

const [part = 0, parts = 1] = process.argv.slice(2, 4).map(Number);
const [kind, pattern = ""] = process.argv.slice(4);
const clusters = await Promise.all(
  kind === "real"
    ? [startRealCluster()]
    : Array.from({ length: LANES }, () => startEmbeddedCluster({ nodes: 1 })),
);
const matrices = await Promise.all(clusters.map(openMatrix));
const cells = matrices[0]?.cells ?? [];
tell({ all: cells.length });
const chosen = cells.filter((cell) => nameOf(cell).includes(pattern));
await runCells(
  matrices,
  chosen.filter((_, index) => index % parts === part),
  tell,
);
await Promise.all(matrices.map((matrix) => matrix.close()));
await Promise.all(clusters.map((cluster) => cluster.stop()));
process.disconnect();

function tell(message: PartMessage): void {
  process.send?.(message);
}
