import { expect, test } from "vitest";
import type { Assessment } from "../../../src/mesh/assessment.ts";
import { dependsOnInjectionRules, keepNeededGaps } from "../../../src/mesh/injection-gaps.ts";
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
  expect(keepNeededGaps([WEBHOOKS, PODS], assessments.some(dependsOnInjectionRules)).gaps).toEqual(
    open,
  );
});

test("what was not needed is said", () => {
  expect(keepNeededGaps([WEBHOOKS, CONFIG_MAPS], false)).toEqual({
    gaps: [],
    notes: [
      "not read, and not needed, for every verdict was proved by a dry run: mutatingwebhookconfigurations.admissionregistration.k8s.io, configmaps",
    ],
  });
  expect(keepNeededGaps([PODS], false).notes).toEqual([]);
});
