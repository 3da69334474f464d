import { expect, test } from "vitest";
import type { Assessment } from "../../../src/mesh/assessment.ts";
import { dependsOnInjectionRules, keepNeededGaps } from "../../../src/mesh/injection-gaps.ts";
import type { Gap } from "../../../src/snapshot.ts";

const WEBHOOKS = gap("mutatingwebhookconfigurations.admissionregistration.k8s.io", "injection");
const CONFIG_MAPS = gap("configmaps", "injection");
const PODS = gap("pods");

function gap(resource: string, about?: Gap["about"]): Gap {
  return {
    verb: "list",
    resource,
    namespace: undefined,
    reason: "forbidden",
    message: "",
    hint: "",
    ...(about && { about }),
  };
}

function verdict(name: Assessment["verdict"], proved: boolean, code = "") {
  return { verdict: name, proved, finding: { code, reason: "", nextStep: "" } };
}

test.each<[what: string, assessments: ReturnType<typeof verdict>[], counted: readonly Gap[]]>([
  ["every verdict is proved", [verdict("current", true), verdict("would-lose", true)], [PODS]],
  [
    "the rest is managed or excluded",
    [verdict("managed", false), verdict("excluded", false)],
    [PODS],
  ],
  ["there is no workload", [], [PODS]],
  [
    "one verdict is only predicted",
    [verdict("current", true), verdict("current", false)],
    [WEBHOOKS, PODS],
  ],
  [
    "a gateway is managed only while it runs the image of its revision",
    [verdict("managed", false, "gateway-api")],
    [WEBHOOKS, PODS],
  ],
  ["one verdict is unknown", [verdict("unknown", false)], [WEBHOOKS, PODS]],
])("the gaps that count if %s", (_what, assessments, counted) => {
  expect(keepNeededGaps([WEBHOOKS, PODS], assessments.some(dependsOnInjectionRules)).gaps).toEqual(
    counted,
  );
});

test("a note names the parts that were unread and not needed", () => {
  expect(keepNeededGaps([WEBHOOKS, CONFIG_MAPS], false)).toEqual({
    gaps: [],
    notes: [
      "could not read mutatingwebhookconfigurations.admissionregistration.k8s.io, configmaps, which is not needed: a dry run proved every verdict",
    ],
  });
  expect(keepNeededGaps([PODS], false).notes).toEqual([]);
});
