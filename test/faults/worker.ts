/**
 * Runs one process's share of the matrix. The arguments are the number of this process, the number
 * of processes, the kind of cluster and a pattern.
 */
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { startRealCluster } from "../testbed/real-cluster.ts";
import { runCells } from "./run-cells.ts";
import { openMatrix } from "./matrix.ts";
import { nameOf } from "./sample.ts";
import type { CellResult } from "./summary.ts";

/** The number of cells, or the result of one chosen cell. */
export type WorkerMessage = { readonly all: number } | CellResult;

/** The number of clusters per process. Runs mostly wait, so there are several. */
const CLUSTERS = 4;

const [index = 0, workers = 1] = process.argv.slice(2, 4).map(Number);
const [kind, pattern = ""] = process.argv.slice(4);
const clusters = await Promise.all(
  kind === "real"
    ? [startRealCluster()]
    : Array.from({ length: CLUSTERS }, () => startEmbeddedCluster({ nodes: 1 })),
);
const matrices = await Promise.all(clusters.map(openMatrix));
const cells = matrices[0]?.cells ?? [];
send({ all: cells.length });
const chosen = cells.filter((cell) => nameOf(cell).includes(pattern));
await runCells(
  matrices,
  chosen.filter((_, number) => number % workers === index),
  send,
);
await Promise.all(matrices.map((matrix) => matrix.close()));
await Promise.all(clusters.map((cluster) => cluster.stop()));
process.disconnect();

function send(message: WorkerMessage): void {
  process.send?.(message);
}
