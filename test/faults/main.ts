/**
 * `npm run faults [-- PATTERN]`: the whole matrix on embedded clusters, on as many processes as
 * there are processors. `--cluster real`: on the real control plane, one cell at a time. Exits 1 if
 * any cell is not as it should be.
 */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { PartMessage } from "./part.ts";
import { type Outcome, tallyLine, tallyTable } from "./tally.ts";

const { values, positionals } = parseArgs({
  options: { cluster: { type: "string", default: "embedded" } },
  allowPositionals: true,
});
const isReal = values.cluster === "real";
const parts = isReal ? 1 : availableParallelism();
const outcomes: Outcome[] = [];
let all = 0;
const began = Date.now();
const codes = await Promise.all(
  Array.from({ length: parts }, (_, part) => {
    const args = [String(part), String(parts), values.cluster, positionals.join(" ")];
    const child = fork(fileURLToPath(new URL("part.ts", import.meta.url)), args);
    child.on("message", (message: PartMessage) => {
      if ("all" in message) all = message.all;
      else report(message);
    });
    return new Promise<number | null>((resolve) => child.on("exit", resolve));
  }),
);

function report(outcome: Outcome): void {
  outcomes.push(outcome);
  const { cell, wrong } = outcome;
  const name = `${cell.command} ${cell.key}: ${cell.fault}, ${cell.times}`;
  if (wrong !== undefined) process.stdout.write(`WRONG ${name}\n    ${wrong}\n`);
  if (outcomes.length % 500 === 0) process.stdout.write(`${outcomes.length} cells ...\n`);
}

process.stdout.write(`\n${tallyTable(outcomes)}\n\n`);
process.stdout.write(`${tallyLine(outcomes, all, Date.now() - began)}\n`);
const isComplete = codes.every((code) => code === 0) && outcomes.length > 0;
process.exitCode = isComplete && outcomes.every(({ wrong }) => wrong === undefined) ? 0 : 1;
