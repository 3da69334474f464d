import { expect, test } from "vitest";
import { isoDuration } from "../../../src/report/iso-duration.ts";

test.each<[seconds: number, text: string]>([
  [0, "PT0S"],
  [1, "PT1S"],
  [59, "PT59S"],
  [60, "PT1M"],
  [3600, "PT1H"],
  [3661, "PT1H1M1S"],
  [86_399, "PT23H59M59S"],
  [86_400, "P1D"],
  [86_401, "P1DT1S"],
  [8 * 86_400, "P8D"],
  [31 * 86_400 + 14_400, "P31DT4H"],
  [400 * 86_400 + 60, "P400DT1M"],
])("%i seconds are %s", (seconds, text) => {
  expect(isoDuration(seconds)).toBe(text);
});
