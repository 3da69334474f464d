import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration } from "../../src/duration-text.ts";
import { readDuration, readLongDuration } from "../../src/duration.ts";

test.each([
  ["0", 0],
  ["0s", 0],
  ["90s", 90_000],
  ["10m", 600_000],
  ["2h", 7_200_000],
  ["250ms", 250],
  ["1h30m", 5_400_000],
  ["1m30s", 90_000],
  ["1.5h", 5_400_000],
  ["0.5s", 500],
  ["1m1m", 120_000],
])("%s is %i milliseconds", (text, milliseconds) => {
  expect(readDuration(text)).toBe(milliseconds);
});

test.each([
  "",
  " ",
  "5",
  "-5s",
  "5 m",
  "10 minutes",
  "1d",
  "m",
  "1m 30s",
  "5M",
  "1e3s",
  "٣s",
  "s5",
])("%j is not a duration", (text) => {
  expect(readDuration(text)).toBeUndefined();
});

test.each([
  ["30d", 2_592_000_000],
  ["1d12h", 129_600_000],
  ["1d1h1m1s", 90_061_000],
  ["0.5d", 43_200_000],
  ["90s", 90_000],
  ["0", 0],
  ["0d", 0],
])("%s, which may have days, is %i milliseconds", (text, milliseconds) => {
  expect(readLongDuration(text)).toBe(milliseconds);
});

test.each(["", "30", "-1d", "12h1d", "1d1d", "1 d", "30 days", "1D", "1w", "d", "P30D"])(
  "%j is not a duration, even with days",
  (text) => {
    expect(readLongDuration(text)).toBeUndefined();
  },
);

test("hours, minutes and seconds add up", () => {
  fc.assert(
    fc.property(fc.nat(99), fc.nat(59), fc.nat(59), (hours, minutes, seconds) => {
      const expected = ((hours * 60 + minutes) * 60 + seconds) * 1000;
      expect(readDuration(`${hours}h${minutes}m${seconds}s`)).toBe(expected);
    }),
  );
});

test.each([
  [600_000, "10m"],
  [90_000, "1m 30s"],
  [5_000, "5s"],
])("%i milliseconds are shown as %s", (milliseconds, text) => {
  expect(formatDuration(milliseconds)).toBe(text);
});
