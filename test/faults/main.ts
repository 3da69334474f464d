/** `npm run faults`: the whole matrix on the embedded cluster. Exits 1 if any cell is not as it should be. */
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { openMatrix } from "./matrix.ts";

const cluster = await startEmbeddedCluster();
const matrix = await openMatrix(cluster);
const [pattern = ""] = process.argv.slice(2);
const cells = matrix.cells.filter(({ command, key, fault, times }) =>
  `${command} ${key} ${fault.name} ${times}`.includes(pattern),
);
let passed = 0;
for (const cell of cells) {
  const { command, key, fault, times } = cell;
  const wrong = await matrix.run(cell);
  if (wrong === undefined) passed += 1;
  const name = `${command}: ${key}: ${fault.name}, ${times}`;
  process.stdout.write(wrong === undefined ? `ok    ${name}\n` : `WRONG ${name}\n    ${wrong}\n`);
}
process.stdout.write(`${passed} of ${cells.length} cells are as they should be\n`);
await matrix.stop();
await cluster.stop();
process.exitCode = passed === cells.length ? 0 : 1;
