/**
 * `npm run faults [-- PATTERN]` runs the whole matrix on embedded clusters, in as many processes as
 * there are processors. `--cluster real` runs it on the real control plane, one cell at a time.
 * Exits 1 if a cell fails.
 */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { WorkerMessage } from "./worker.ts";
import { type CellResult, summaryLine, summaryTable } from "./summary.ts";

const { values, positionals } = parseArgs({
  options: { cluster: { type: "string", default: "embedded" } },
  allowPositionals: true,
});
const isReal = values.cluster === "real";
const workers = isReal ? 1 : availableParallelism();
const results: CellResult[] = [];
let all = 0;
const began = Date.now();
const codes = await Promise.all(
  Array.from({ length: workers }, (_, index) => {
    const args = [String(index), String(workers), values.cluster, positionals.join(" ")];
    const child = fork(fileURLToPath(new URL("worker.ts", import.meta.url)), args);
    child.on("message", (message: WorkerMessage) => {
      if ("all" in message) all = message.all;
      else report(message);
    });
    return new Promise<number | null>((resolve) => child.on("exit", resolve));
  }),
);

function report(result: CellResult): void {
  results.push(result);
  const { cell, wrong } = result;
  const name = `${cell.command} ${cell.key}: ${cell.fault}, ${cell.times}`;
  if (wrong !== undefined) process.stdout.write(`FAILED ${name}\n    ${wrong}\n`);
  if (results.length % 500 === 0) process.stdout.write(`${results.length} cells ...\n`);
}

process.stdout.write(`\n${summaryTable(results)}\n\n`);
process.stdout.write(`${summaryLine(results, all, Date.now() - began)}\n`);
const isComplete = codes.every((code) => code === 0) && results.length > 0;
process.exitCode = isComplete && results.every(({ wrong }) => wrong === undefined) ? 0 : 1;
