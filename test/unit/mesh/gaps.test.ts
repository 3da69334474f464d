import { expect, test } from "vitest";
import type { Assessment } from "../../../src/mesh/assess.ts";
import { isRestingOnRules, weighGaps } from "../../../src/mesh/gaps.ts";
import type { Gap } from "../../../src/snapshot.ts";

const WEBHOOKS = gap(
  "list mutatingwebhookconfigurations.admissionregistration.k8s.io",
  "injection",
);
const CONFIG_MAPS = gap("list configmaps", "injection");
const PODS = gap("list pods");

function gap(what: string, about?: Gap["about"]): Gap {
  return {
    what,
    namespace: undefined,
    reason: "forbidden",
    message: "",
    hint: "",
    ...(about && { about }),
  };
}

function seen(verdict: Assessment["verdict"], proved: boolean) {
  return { verdict, proved };
}

test.each<[what: string, seen: ReturnType<typeof seen>[], open: readonly Gap[]]>([
  ["every verdict is proved", [seen("current", true), seen("would-lose", true)], [PODS]],
  ["some are not ours to judge", [seen("managed", false), seen("excluded", false)], [PODS]],
  ["there is nothing to judge", [], [PODS]],
  ["one is only predicted", [seen("current", true), seen("current", false)], [WEBHOOKS, PODS]],
  ["one is not decided", [seen("unknown", false)], [WEBHOOKS, PODS]],
])("a gap in the rules, where %s", (_what, assessments, open) => {
  expect(weighGaps([WEBHOOKS, PODS], assessments.some(isRestingOnRules)).gaps).toEqual(open);
});

test("what was not needed is said", () => {
  expect(weighGaps([WEBHOOKS, CONFIG_MAPS], false)).toEqual({
    gaps: [],
    notes: [
      "not read, and not needed, for every verdict was proved by a dry run: mutatingwebhookconfigurations.admissionregistration.k8s.io, configmaps",
    ],
  });
  expect(weighGaps([PODS], false).notes).toEqual([]);
});
