import { afterAll, beforeAll, expect, test } from "vitest";
import { type EmbeddedCluster, startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { runProgram } from "../support/run-program.ts";
import { expect as expected } from "./expected.ts";
import { FAULTS } from "./faults.ts";
import { runCells } from "./lanes.ts";
import { type Matrix, openMatrix } from "./matrix.ts";
import { sampleOf } from "./sample.ts";
import { type Outcome, tallyLine } from "./tally.ts";
import { openWorld } from "./world.ts";

const LANES = 4;
let clusters: readonly EmbeddedCluster[];
let matrices: readonly Matrix[];
const startAll = () =>
  Promise.all(Array.from({ length: LANES }, () => startEmbeddedCluster({ nodes: 1 })));

beforeAll(async () => {
  clusters = await startAll();
  matrices = await Promise.all(clusters.map(openMatrix));
}, 120_000);
afterAll(async () => {
  await Promise.all(matrices.map((matrix) => matrix.close()));
  await Promise.all(clusters.map((cluster) => cluster.stop()));
});

/** The whole takes much longer: `npm run faults`. */
test(
  "each request of each command, and each fault once and for ever, end as they should",
  { timeout: 900_000 },
  async () => {
    const [{ cells }] = matrices as [Matrix];
    const outcomes: Outcome[] = [];
    const began = Date.now();
    await runCells(matrices, sampleOf(cells), (outcome) => outcomes.push(outcome));
    process.stdout.write(`${tallyLine(outcomes, cells.length, Date.now() - began)}\n`);
    expect(outcomes.filter(({ wrong }) => wrong !== undefined)).toEqual([]);
  },
);

test(
  "a process of its own ends by itself, whatever happened to one of its requests",
  { timeout: 300_000 },
  async () => {
    const cluster = await startEmbeddedCluster({ nodes: 1 });
    const world = await openWorld(cluster);
    const key = "GET /api/v1/namespaces/faults/pods (next page)";
    // Those that a later try passes by need seconds of patience, of our clock.
    for (const fault of FAULTS.filter(({ only }) => only !== "for ever")) {
      await world.proxy.arm({ key, fault, times: "once" });
      const args = ["check", "-n", world.namespace, "--request-timeout", "1s"];
      const ran = await runProgram(args, { KUBECONFIG: world.kubeconfig });
      const { status } = expected({ command: "check", key, fault, times: "once" });
      expect([fault.name, world.proxy.strikes(), ran.status, world.proxy.connections()]).toEqual([
        fault.name,
        1,
        expect.toBeOneOf([...status]),
        0,
      ]);
    }
    const later = FAULTS.find(({ name }) => name === "503");
    await world.proxy.arm(later && { key, fault: later, times: "once" });
    const args = ["check", "-n", world.namespace, "--verbose"];
    const { stderr } = await runProgram(args, { KUBECONFIG: world.kubeconfig });
    expect(stderr).toMatch(
      /pods\?.* ApiError: unavailable\nnext try in 0\.\d s, 2 of at most 10\n/,
    );
    await world.close();
    await cluster.stop();
  },
);
