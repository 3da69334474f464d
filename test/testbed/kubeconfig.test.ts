import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CASES } from "../connection/cases.ts";
import { seen, wanted } from "../connection/expect.ts";
import { type Bench, openBench, whyNoPod } from "../connection/run.ts";
import { buildPrograms } from "./build.ts";

let bench: Bench;
let kubectl: string;
beforeAll(async () => {
  [bench, { kubectl }] = await Promise.all([openBench(), buildPrograms()]);
});
afterAll(() => bench.stop());

const podless = whyNoPod();
if (podless !== undefined) process.stderr.write(`skipped: the cases in a pod: ${podless}\n`);

describe.each(Object.entries(CASES))("kubectl: %s", (_, cases) => {
  const possible = cases.filter(({ pod }) => pod !== true || podless === undefined);
  test.each(possible)("$name", async (one) => {
    const kubectls = await bench.kubectl(kubectl, one);
    expect(seen(kubectls), kubectls.ran.stderr).toEqual(wanted(one.kubectl ?? one.expect));
    if (one.kubectl !== undefined) return;
    const ours = await bench.ours(one);
    expect(seen(ours), ours.ran.stderr).toEqual(seen(kubectls));
    // The input of a plugin, however often it runs.
    expect(ours.plugin[0]).toEqual(kubectls.plugin[0]);
  });
});
