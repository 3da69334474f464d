import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CASES } from "../connection/cases.ts";
import { type Client, kubectl, OURS } from "../connection/clients.ts";
import { seen, wanted } from "../connection/expect.ts";
import { type Bench, openBench, runnableCases } from "../connection/run.ts";
import { buildPrograms } from "./build.ts";

let bench: Bench;
let real: Client;
beforeAll(async () => {
  const [opened, programs] = await Promise.all([openBench(), buildPrograms()]);
  bench = opened;
  real = kubectl(programs.kubectl);
});
afterAll(() => bench.stop());

describe.each(Object.entries(runnableCases(CASES)))("kubectl: %s", (_, cases) => {
  test.each(cases)("$name", async (one) => {
    const kubectls = await bench.run(real, one);
    expect(seen(kubectls), kubectls.ran.stderr).toEqual(wanted(real.expected(one)));
    if (one.kubectl !== undefined) return;
    const ours = await bench.run(OURS, one);
    expect(seen(ours), ours.ran.stderr).toEqual(seen(kubectls));
    // kubectl may run a plugin more often, but both tell it the same.
    expect(ours.plugin[0]).toEqual(kubectls.plugin[0]);
  });
});
