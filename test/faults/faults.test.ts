import { afterAll, beforeAll, expect, test } from "vitest";
import { type EmbeddedCluster, startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { runProgram } from "../support/run-program.ts";
import { expectedOf } from "./expected.ts";
import { FAULTS } from "./faults.ts";
import { runCells } from "./run-cells.ts";
import { type Matrix, openMatrix } from "./matrix.ts";
import { sampleOf } from "./sample.ts";
import { type CellResult, summaryLine } from "./summary.ts";
import { openScenario } from "./scenario.ts";

const CLUSTERS = 4;
let clusters: readonly EmbeddedCluster[];
let matrices: readonly Matrix[];
const startAll = () =>
  Promise.all(Array.from({ length: CLUSTERS }, () => startEmbeddedCluster({ nodes: 1 })));

beforeAll(async () => {
  clusters = await startAll();
  matrices = await Promise.all(clusters.map(openMatrix));
}, 120_000);
afterAll(async () => {
  await Promise.all(matrices.map((matrix) => matrix.close()));
  await Promise.all(clusters.map((cluster) => cluster.stop()));
});

/** A sample. `npm run faults` runs the whole matrix. */
test(
  "every request of every command and every fault leads to the expected result",
  { timeout: 900_000 },
  async () => {
    const [{ cells }] = matrices as [Matrix];
    const results: CellResult[] = [];
    const began = Date.now();
    await runCells(matrices, sampleOf(cells), (result) => results.push(result));
    process.stdout.write(`${summaryLine(results, cells.length, Date.now() - began)}\n`);
    expect(results.filter(({ wrong }) => wrong !== undefined)).toEqual([]);
  },
);

test(
  "the program ends without open connections after any fault",
  { timeout: 300_000 },
  async () => {
    const cluster = await startEmbeddedCluster({ nodes: 1 });
    const scenario = await openScenario(cluster);
    const key = "GET /api/v1/namespaces/faults/pods (next page)";
    // Transient faults need retries, which take seconds of real time.
    for (const fault of FAULTS.filter(({ onlyTimes: only }) => only !== "always")) {
      await scenario.proxy.arm({ key, fault, times: "once" });
      const args = ["check", "-n", scenario.namespace, "--request-timeout", "1s"];
      const ran = await runProgram(args, { KUBECONFIG: scenario.kubeconfig });
      const { status } = expectedOf({ command: "check", key, fault, times: "once" });
      expect([
        fault.name,
        scenario.proxy.timesApplied(),
        ran.status,
        scenario.proxy.connections(),
      ]).toEqual([fault.name, 1, expect.toBeOneOf([...status]), 0]);
    }
    const later = FAULTS.find(({ name }) => name === "503");
    await scenario.proxy.arm(later && { key, fault: later, times: "once" });
    const args = ["check", "-n", scenario.namespace, "--verbose"];
    const { stderr } = await runProgram(args, { KUBECONFIG: scenario.kubeconfig });
    expect(stderr).toMatch(
      /pods\?.* ApiError: unavailable\nretrying in 0\.\d s \(attempt 2 of 10\)\n/,
    );
    await scenario.close();
    await cluster.stop();
  },
);
