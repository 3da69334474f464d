import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.ts";
import { contextOf, fleetSettings } from "../../src/fleet.ts";
import type { RawOptions } from "../../src/option-values.ts";

test.each<[raw: RawOptions, contexts: readonly string[]]>([
  [{ context: ["a", "b"] }, ["a", "b"]],
  [{ context: ["a,b"] }, ["a,b"]],
  [{ context: ["prod-*"] }, ["prod-*"]],
  [{ context: ["prod-?"] }, ["prod-?"]],
  [{ context: ["a"], excludeContext: ["b"] }, ["a"]],
  [{ allContexts: true }, []],
])("%j is about several clusters", (raw, contexts) => {
  expect(fleetSettings(raw)).toMatchObject({ contexts, maxClusters: 8 });
  expect(contextOf(raw)).toBeUndefined();
});

test.each<[raw: RawOptions, context: string | undefined]>([
  [{}, undefined],
  [{ context: ["prod"] }, "prod"],
  // The commands that act take the flag only once.
  [{ context: "prod" }, "prod"],
  [{ context: "a,b" }, "a,b"],
])("%j is about one cluster", (raw, context) => {
  expect(fleetSettings(raw)).toBeUndefined();
  expect(contextOf(raw)).toBe(context);
});

describe("flags that contradict each other", () => {
  test.each<[raw: RawOptions, message: string]>([
    [{ context: ["a"], allContexts: true }, "--context and --all-contexts cannot be used together"],
    [{ excludeContext: ["a"] }, "--exclude-context needs other contexts to leave some out of"],
    [{ allContexts: true, maxClusters: "0" }, '--max-clusters "0" is not a whole number above 0'],
  ])("%j", (raw, message) => {
    expect(() => fleetSettings(raw)).toThrow(UsageError);
    expect(() => fleetSettings(raw)).toThrow(message);
  });
});
