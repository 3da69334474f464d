import { expect, test } from "vitest";
import { readQuantity } from "../../../src/kubernetes/quantity.ts";

test.each([
  ["0", 0],
  ["5", 5],
  ["250m", 0.25],
  ["1.5", 1.5],
  [".5", 0.5],
  ["1.5Gi", 1.5 * 2 ** 30],
  ["128Mi", 128 * 2 ** 20],
  ["1k", 1000],
  ["1e3", 1000],
  ["2E", 2e18],
  ["100n", 1e-7],
])("%s is %d", (text, number) => {
  expect(readQuantity(text)).toBeCloseTo(number, 12);
});

test.each(["", "Gi", "1 Gi", "1Kib", "1K", "five", "1.2.3"])("%j is not a quantity", (text) => {
  expect(readQuantity(text)).toBeUndefined();
});
