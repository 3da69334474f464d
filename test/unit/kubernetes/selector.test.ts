import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatSelector,
  matchesSelector,
  parseSelector,
} from "../../../src/kubernetes/selector.ts";
import type { Labels, LabelRequirement, LabelSelector } from "../../../src/snapshot.ts";

const REV = "istio.io/rev";

describe("matchesSelector", () => {
  test.each<[what: string, labels: Labels, selector: LabelSelector, matches: boolean]>([
    ["an empty selector on no labels", {}, {}, true],
    ["an empty selector on labels", { app: "web" }, {}, true],
    [
      "matchLabels that are present",
      { app: "web", tier: "x" },
      { matchLabels: { app: "web" } },
      true,
    ],
    ["matchLabels of another value", { app: "db" }, { matchLabels: { app: "web" } }, false],
    ["matchLabels that are absent", {}, { matchLabels: { app: "web" } }, false],
    ["one of two matchLabels", { a: "1" }, { matchLabels: { a: "1", b: "2" } }, false],
    ["In, listed", { [REV]: "b" }, expression(REV, "In", "a", "b"), true],
    ["In, not listed", { [REV]: "c" }, expression(REV, "In", "a", "b"), false],
    ["In, absent", {}, expression(REV, "In", "a"), false],
    ["In of the empty string, absent", {}, expression(REV, "In", ""), false],
    ["In of the empty string, empty", { [REV]: "" }, expression(REV, "In", ""), true],
    ["NotIn, listed", { inject: "false" }, expression("inject", "NotIn", "false"), false],
    ["NotIn, not listed", { inject: "true" }, expression("inject", "NotIn", "false"), true],
    ["NotIn, absent", {}, expression("inject", "NotIn", "false"), true],
    ["Exists, present", { app: "" }, expression("app", "Exists"), true],
    ["Exists, absent", {}, expression("app", "Exists"), false],
    ["DoesNotExist, absent", {}, expression("app", "DoesNotExist"), true],
    ["DoesNotExist, present", { app: "" }, expression("app", "DoesNotExist"), false],
    ["an unknown operator", { app: "web" }, expression("app", "Near", "web"), false],
    ["a key that every object inherits", {}, expression("constructor", "Exists"), false],
    ["a key that every object inherits, absent", {}, expression("toString", "DoesNotExist"), true],
    ["an inherited key in matchLabels", {}, { matchLabels: { constructor: "x" } }, false],
    [
      "labels that match and an expression that does not",
      { app: "web" },
      { matchLabels: { app: "web" }, ...expression("app", "DoesNotExist") },
      false,
    ],
  ])("%s", (_what, labels, selector, matches) => {
    expect(matchesSelector(labels, selector)).toBe(matches);
  });
});

describe("parseSelector", () => {
  test.each<[text: string, requirements: readonly LabelRequirement[]]>([
    ["app=web", [requirement("app", "In", "web")]],
    ["app==web", [requirement("app", "In", "web")]],
    ["app = web", [requirement("app", "In", "web")]],
    ["app=", [requirement("app", "In", "")]],
    ["tier!=db", [requirement("tier", "NotIn", "db")]],
    ["env in (a, b)", [requirement("env", "In", "a", "b")]],
    ["env in(a)", [requirement("env", "In", "a")]],
    ["env notin (a,b)", [requirement("env", "NotIn", "a", "b")]],
    ["legacy", [requirement("legacy", "Exists")]],
    ["!legacy", [requirement("legacy", "DoesNotExist")]],
    ["! legacy", [requirement("legacy", "DoesNotExist")]],
    ["app.kubernetes.io/name=web", [requirement("app.kubernetes.io/name", "In", "web")]],
    ["in=notin", [requirement("in", "In", "notin")]],
    [
      "app=web,env in (a,b),!legacy, tier!=db",
      [
        requirement("app", "In", "web"),
        requirement("env", "In", "a", "b"),
        requirement("legacy", "DoesNotExist"),
        requirement("tier", "NotIn", "db"),
      ],
    ],
  ])("%s", (text, requirements) => {
    expect(parseSelector(text)).toEqual({
      kind: "selector",
      selector: { matchExpressions: requirements },
    });
  });

  test.each([
    ["", ""],
    ["app=web,", ""],
    ["app=web,,tier=db", ""],
    ["app=a b", "app=a b"],
    ["app=web,tier in db", "tier in db"],
    ["env in (a", "env in (a"],
    ["=web", "=web"],
    ["a/b/c=d", "a/b/c=d"],
    ["app=web,a&b", "a&b"],
  ])("returns the part of `%s` that is not a requirement", (text, part) => {
    expect(parseSelector(text)).toEqual({ kind: "invalid", part });
  });
});

describe("a selector", () => {
  const key = fc.constantFrom("app", "istio.io/rev", "a-b.c", "in", "x_1");
  const value = fc.constantFrom("", "web", "v1.2", "a_b-c", "0");
  const values = fc.uniqueArray(value, { minLength: 1, maxLength: 3 });
  const requirements = fc.array(
    fc.oneof(
      fc.record({ key, operator: fc.constantFrom("In", "NotIn"), values }),
      fc.record({ key, operator: fc.constantFrom("Exists", "DoesNotExist") }),
    ),
    { minLength: 1, maxLength: 4 },
  );

  test("is unchanged by formatting and parsing", () => {
    fc.assert(
      fc.property(requirements, (matchExpressions) => {
        const selector = { matchExpressions };
        expect(parseSelector(formatSelector(selector))).toEqual({ kind: "selector", selector });
      }),
    );
  });

  test("matches the same labels after formatting and parsing", () => {
    const labels = fc.dictionary(key, value);
    fc.assert(
      fc.property(requirements, labels, labels, (matchExpressions, matchLabels, subject) => {
        const selector = { matchExpressions, matchLabels };
        const parsed = parseSelector(formatSelector(selector));
        if (parsed.kind === "invalid") throw new Error(`invalid: ${parsed.part}`);
        expect(matchesSelector(subject, parsed.selector)).toBe(matchesSelector(subject, selector));
      }),
    );
  });

  test("is formatted for the API", () => {
    const text = formatSelector({
      matchLabels: { app: "web" },
      matchExpressions: [
        requirement("env", "In", "a", "b"),
        requirement("tier", "NotIn", "db"),
        requirement("new", "Exists"),
        requirement("old", "DoesNotExist"),
      ],
    });
    expect(text).toBe("app=web,env in (a,b),tier notin (db),new,!old");
  });
});

test("parseSelector never throws", () => {
  const alphabet = fc.constantFrom(...Array.from("ab,()!=/ .in"));
  fc.assert(
    fc.property(fc.string({ unit: alphabet }), (text) => {
      expect(["selector", "invalid"]).toContain(parseSelector(text).kind);
    }),
  );
});

function requirement(key: string, operator: string, ...values: string[]): LabelRequirement {
  return values.length === 0 ? { key, operator } : { key, operator, values };
}

function expression(key: string, operator: string, ...values: string[]): LabelSelector {
  return { matchExpressions: [requirement(key, operator, ...values)] };
}
