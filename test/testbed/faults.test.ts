import { expect, test } from "vitest";
import { eventually } from "../contract/sandbox.ts";
import { runCells } from "../faults/lanes.ts";
import { openMatrix } from "../faults/matrix.ts";
import { eachFaultOnce } from "../faults/sample.ts";
import { type Outcome, tallyLine } from "../faults/tally.ts";
import { openRealCluster } from "./open-real-cluster.ts";

/** More of it: `npm run faults -- --cluster real`. */
test("each fault ends as it should before a real API server", { timeout: 900_000 }, async () => {
  const cluster = openRealCluster();
  // A look at the whole cluster would still find what an earlier test has left.
  await eventually(async () => {
    const { body } = await cluster.request("GET", "/api/v1/namespaces");
    const phases = body.items.map(({ status }: typeof body) => status.phase);
    expect(phases).not.toContain("Terminating");
  });
  const matrix = await openMatrix(cluster);
  const outcomes: Outcome[] = [];
  const began = Date.now();
  await runCells([matrix], eachFaultOnce(matrix.cells), (outcome) => outcomes.push(outcome));
  const line = tallyLine(outcomes, matrix.cells.length, Date.now() - began);
  process.stdout.write(`${line}, on the real control plane\n`);
  await matrix.close();
  await cluster.stop();
  expect(outcomes.filter(({ wrong }) => wrong !== undefined)).toEqual([]);
});
