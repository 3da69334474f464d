import { expect, test } from "vitest";
import { EXIT } from "../../../src/exit-codes.ts";
import type { LeaseEntry } from "../../../src/report/document.ts";
import { leaseReasons } from "../../../src/report/exit-reasons.ts";
import { leaseFlags, leaseText } from "../../../src/report/leases.ts";

const LEASE = { namespace: "ops", name: "istio-upgrade", holder: "ci-7_1_ab" };

test.each<[outcome: LeaseEntry["outcome"], holder: string, text: string, reason: string]>([
  ["taken", "ci-7_1_ab", "ops/istio-upgrade, held by ci-7_1_ab during the run", ""],
  [
    "refused",
    "ci-7_1_ab",
    "ops/istio-upgrade, held by ci-7_1_ab: nothing was started",
    "lease-held",
  ],
  ["lost", "ci-7_1_ab", "ops/istio-upgrade, lost during the run, held by ci-7_1_ab", "lease-lost"],
  ["lost", "", "ops/istio-upgrade, lost during the run", "lease-lost"],
])(
  "a lease that was %s (by %j) is described, and counts as unfinished",
  (outcome, holder, ...end) => {
    const [text, reason] = end;
    const lease = { ...LEASE, holder, outcome };
    expect(leaseText(lease)).toBe(text);
    expect(leaseReasons(lease)).toEqual(
      reason === "" ? [] : [{ code: EXIT.outOfTime, text: reason }],
    );
  },
);

test("without a lease there is no flag and no reason", () => {
  expect([leaseFlags(undefined), leaseReasons(undefined)]).toEqual([[], []]);
});

test("the flag is the one that was given", () => {
  const given = { text: "istio-upgrade", namespace: undefined, name: "istio-upgrade" };
  expect(leaseFlags(given)).toEqual(["--lease", "istio-upgrade"]);
});
