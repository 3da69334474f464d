import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CASES } from "../connection/cases.ts";
import { expectManners, seen, wanted } from "../connection/expect.ts";
import { type Bench, openBench, whyNoPod } from "../connection/run.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.stop());

const podless = whyNoPod();
if (podless !== undefined) process.stderr.write(`skipped: the cases in a pod: ${podless}\n`);

// `test/testbed/kubeconfig.test.ts` runs the same cases with kubectl.
describe.each(Object.entries(CASES))("%s", (_, cases) => {
  const possible = cases.filter(({ pod }) => pod !== true || podless === undefined);
  test.each(possible)("$name", async (one) => {
    const arrival = await bench.ours(one);
    expect(seen(arrival), arrival.ran.stderr).toEqual(wanted(one.expect));
    expectManners(arrival, one.expect);
  });
});
