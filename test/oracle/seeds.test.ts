import { expect } from "vitest";
import { printFailures, isFailure, runSeed } from "./oracle-run.ts";
import { test } from "./oracle-test.ts";
import { countWorkloads, describeContradiction, describeFailure, summarize } from "./summary.ts";

const WORKLOADS = 200;
/** One seed, so that a commit passes or fails for what it changes; `npm run oracle` takes fresh ones. */
const SEED = 7;

// A failure of a fresh seed becomes one of the cases in `cases.ts`.
test(
  "verdicts agree with the real injector, and commands with each other, in random worlds",
  { timeout: 1_200_000 },
  async ({ cluster, controlPlane }) => {
    const results = await runSeed(
      cluster,
      controlPlane,
      { seed: SEED, workloads: WORKLOADS },
      () => undefined,
    );
    const { compared, contradictions } = results;
    print(`oracle: seed ${SEED}: ${summarize(compared)}`);
    await printFailures(cluster, controlPlane, results, print);
    expect(countWorkloads(compared)).toBeGreaterThanOrEqual(WORKLOADS);
    expect(compared.filter(isFailure).map(describeFailure)).toEqual([]);
    expect(contradictions.map(describeContradiction)).toEqual([]);
  },
);

function print(text: string): void {
  process.stdout.write(text);
}
