import { describe, expect, test } from "vitest";
import { ageCell, ageClause, limitText } from "../../../src/report/age-text.ts";
import type { AgeEntry } from "../../../src/report/document.ts";
import { secondsOf } from "../../../src/report/iso-duration.ts";

test.each<[duration: string, seconds: number]>([
  ["PT0S", 0],
  ["PT59S", 59],
  ["PT1H1M1S", 3661],
  ["P8D", 691_200],
  ["P31DT4H", 2_692_800],
  ["PT0.5S", 0.5],
])("%s has %d seconds", (duration, seconds) => {
  expect(secondsOf(duration)).toBe(seconds);
});

describe("an age is", () => {
  test.each<[age: AgeEntry | undefined, cell: string, wide: string, clause: string]>([
    [undefined, "", "", ""],
    [{ atLeast: null, atMost: null }, "?", "?", ""],
    [{ atLeast: "P8D", atMost: "P31D" }, ">8d", ">8d,<31d", " for at least 8d"],
    // Each bound is true: one is rounded down, the other up.
    [{ atLeast: "P8DT23H", atMost: "P31DT1S" }, ">8d", ">8d,<32d", " for at least 8d"],
    [{ atLeast: null, atMost: "P31DT1S" }, "<32d", "<32d", " for at most 32d"],
    [{ atLeast: "P8D", atMost: null }, ">8d", ">8d", " for at least 8d"],
    [{ atLeast: "PT0S", atMost: "PT59S" }, ">0s", ">0s,<59s", " for at least 0s"],
    [{ atLeast: "PT1M59S", atMost: "PT59M59S" }, ">1m", ">1m,<60m", " for at least 1m"],
    [{ atLeast: "PT23H59M", atMost: "P1D" }, ">23h", ">23h,<1d", " for at least 23h"],
  ])("%j", (age, cell, wide, clause) => {
    expect([ageCell(age), ageCell(age, true), ageClause(age)]).toEqual([cell, wide, clause]);
  });
});

test.each([
  ["P30D", "within 30 days"],
  ["P1D", "within 1 day"],
  ["P1DT12H", "within 36 hours"],
  ["PT90M", "within 90 minutes"],
  ["PT1M30S", "within 90 seconds"],
  ["PT0.5S", "within 0.5 seconds"],
])("%s is %s", (maxAge, text) => {
  expect(limitText(maxAge)).toBe(text);
});
