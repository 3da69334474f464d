import { expect, test } from "vitest";
import { eventually } from "../contract/sandbox.ts";
import { runCells } from "../faults/run-cells.ts";
import { openMatrix } from "../faults/matrix.ts";
import { eachFaultOnce } from "../faults/sample.ts";
import { type CellResult, summaryLine } from "../faults/summary.ts";
import { openRealCluster } from "./open-real-cluster.ts";

/** A sample. `npm run faults -- --cluster real` runs the whole matrix. */
test(
  "every fault leads to the expected result in front of a real API server",
  { timeout: 900_000 },
  async () => {
    const cluster = openRealCluster();
    // Runs for all namespaces would still read what an earlier test has left.
    await eventually(async () => {
      const { body } = await cluster.request("GET", "/api/v1/namespaces");
      const phases = body.items.map(({ status }: typeof body) => status.phase);
      expect(phases).not.toContain("Terminating");
    });
    const matrix = await openMatrix(cluster);
    const results: CellResult[] = [];
    const began = Date.now();
    await runCells([matrix], eachFaultOnce(matrix.cells), (result) => results.push(result));
    const line = summaryLine(results, matrix.cells.length, Date.now() - began);
    process.stdout.write(`${line}, on the real control plane\n`);
    await matrix.close();
    await cluster.stop();
    expect(results.filter(({ wrong }) => wrong !== undefined)).toEqual([]);
  },
);
