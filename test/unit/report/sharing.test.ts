import { expect, test } from "vitest";
import { openSharing } from "../../../src/report/sharing.ts";
import { checkReport } from "../../support/build/report.ts";

const { workloads } = checkReport();

/** As if somebody had worded it anew. */
function again<Value>(value: Value): Value {
  return structuredClone(value);
}

test("an entry is the same as before", () => {
  const share = openSharing(true);
  expect(workloads.length).toBeGreaterThan(1);
  for (const entry of [...workloads, ...workloads.map(again)]) expect(share(entry)).toEqual(entry);
});

test("what entries have in common is kept once", () => {
  const share = openSharing(true);
  for (const entry of workloads) {
    const [one, other] = [share(entry), share(again(entry))];
    expect(other.target).toBe(one.target);
    if (entry.warnings.length === 0) expect(other.warnings).toBe(one.warnings);
  }
});

test("names of pods are left out where nobody will see them", () => {
  const share = openSharing(false);
  expect(workloads.some(({ running }) => running.some(({ podNames }) => podNames))).toBe(true);
  for (const entry of workloads) {
    const running = entry.running.map(({ podNames: _, ...rest }) => rest);
    expect(share(entry)).toEqual({ ...entry, running });
  }
});
