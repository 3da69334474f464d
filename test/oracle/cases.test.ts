import { expect } from "vitest";
import { CASES } from "./cases.ts";
import { isFailure, runWorld } from "./oracle-run.ts";
import { test } from "./oracle-test.ts";
import { countWorkloads, describeContradiction, describeFailure } from "./summary.ts";
import type { Case, World } from "./world.ts";

test.for(CASES)("%s", { timeout: 120_000 }, async ([, found], { cluster, controlPlane }) => {
  const { compared, contradictions } = await runWorld(cluster, controlPlane, worldOf(found));
  expect(countWorkloads(compared)).toBe(1);
  expect(compared.filter(isFailure).map(describeFailure)).toEqual([]);
  expect(contradictions.map(describeContradiction)).toEqual([]);
});

function worldOf({ before, now, namespaceLabels, workload }: Case): World {
  return { before, now, namespaces: [{ ...namespaceLabels, workloads: [workload] }] };
}
