import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Age, isWithin, oldestAge, UNKNOWN_AGE } from "../../../src/mesh/age.ts";

function age(atLeast: number | undefined, atMost: number | undefined): Age {
  return { atLeast, atMost };
}

const DAY = 86_400;

describe("the age of the oldest", () => {
  test.each<[what: string, ages: readonly Age[], oldest: Age]>([
    ["of one", [age(3, 8)], age(3, 8)],
    ["has the largest bounds", [age(3, 8), age(5, 6)], age(5, 8)],
    ["has no upper bound if one is unknown", [age(3, 8), age(5, undefined)], age(5, undefined)],
    ["has the lower bounds that are known", [age(undefined, 8), age(2, 3)], age(2, 8)],
    [
      "has no lower bound if none is known",
      [age(undefined, 8), age(undefined, 3)],
      age(undefined, 8),
    ],
    ["of none is unknown", [], UNKNOWN_AGE],
  ])("%s", (_what, ages, oldest) => {
    expect(oldestAge(ages)).toEqual(oldest);
  });
});

describe("a workload is within 30 days", () => {
  test.each<[what: string, given: Age, expected: boolean]>([
    ["if it is certainly younger", age(8 * DAY, 9 * DAY), true],
    ["if it may be older", age(8 * DAY, 90 * DAY), true],
    ["if its greatest age is unknown", age(8 * DAY, undefined), true],
    ["after exactly 30 days", age(30 * DAY, 90 * DAY), true],
    ["but not a second later", age(30 * DAY + 1, 90 * DAY), false],
    ["if only its pods are younger", age(undefined, 30 * DAY), true],
    [
      "but not if its pods are older, and nothing else is known",
      age(undefined, 30 * DAY + 1),
      false,
    ],
    ["but not if nothing is known", UNKNOWN_AGE, false],
  ])("%s", (_what, given, expected) => {
    expect(isWithin(given, 30 * DAY)).toBe(expected);
  });
});

test("a workload within a limit is within every larger one", () => {
  const seconds = fc.option(fc.nat(1000), { nil: undefined });
  fc.assert(
    fc.property(seconds, seconds, fc.nat(1000), fc.nat(1000), (atLeast, atMost, limit, more) => {
      const given = age(atLeast, atMost);
      expect(isWithin(given, limit) && !isWithin(given, limit + more)).toBe(false);
    }),
  );
});
