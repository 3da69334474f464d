import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { askedAnnotations, groupByText, groupingSettings } from "../../src/grouping.ts";

describe("--group-by", () => {
  test.each([
    ["namespace", { kind: "namespace" }],
    ["kind", { kind: "kind" }],
    ["revision", { kind: "revision" }],
    ["label=app.kubernetes.io/part-of", { kind: "label", key: "app.kubernetes.io/part-of" }],
    ["namespace-label=team", { kind: "namespace-label", key: "team" }],
    ["namespace-annotation=a.b/Owner_1", { kind: "namespace-annotation", key: "a.b/Owner_1" }],
  ])("%s is read, and printed as it was given", (given, expected) => {
    const { groupBy } = groupingSettings({ groupBy: given });
    expect(groupBy).toEqual(expected);
    expect(groupBy && groupByText(groupBy)).toBe(given);
  });

  test.each([
    "",
    "team",
    "Namespace",
    "label",
    "label=",
    "label=a=b",
    "label=a/b/c",
    "label=-a",
    "label=A.com/x",
    "label=/x",
    "label=x/",
    "labels=team",
    `label=${"a".repeat(64)}`,
    `label=${"a".repeat(254)}/x`,
    "label=\u001b[31mx",
    "label=te\nam",
  ])("%j is rejected", (given) => {
    expect(() => groupingSettings({ groupBy: given })).toThrow(UsageError);
  });

  test("names a label of the namespaces for a key alone", () => {
    expect(() => groupingSettings({ groupBy: "team" })).toThrow(
      expect.objectContaining({
        hint: expect.stringContaining(
          "; for a label of the namespaces: --group-by namespace-label=team",
        ),
      }),
    );
  });
});

describe("--label-columns", () => {
  test("are shown once each, in their order", () => {
    const { labelColumns } = groupingSettings({ labelColumns: ["team", "a.b/c", "team"] });
    expect(labelColumns).toEqual(["team", "a.b/c"]);
  });

  test("with a value are rejected", () => {
    expect(() => groupingSettings({ labelColumns: ["team=pay"] })).toThrow(UsageError);
  });
});

test("only annotations that a flag names are kept", () => {
  expect(askedAnnotations(groupingSettings({}))).toEqual([]);
  expect(askedAnnotations(groupingSettings({ groupBy: "namespace" }))).toEqual([]);
  const both = { groupBy: "namespace-annotation=owner", labelColumns: ["team"] };
  expect(askedAnnotations(groupingSettings(both))).toEqual(["team", "owner"]);
});
