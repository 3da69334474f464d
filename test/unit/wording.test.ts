import { expect, test } from "vitest";
import { count, listing } from "../../src/wording.ts";

test.each<[actual: string, expected: string]>([
  [count(0, "pod"), "0 pods"],
  [count(1, "pod"), "1 pod"],
  [count(2, "pod"), "2 pods"],
  [count(1, "old pod", ["is", "are"]), "1 old pod is"],
  [count(2, "old pod", ["is", "are"]), "2 old pods are"],
  [listing(["shop", "pay"], 2), "shop, pay"],
  [listing(["shop", "pay"], 14), "shop, pay and 12 more"],
])("%s", (actual, expected) => {
  expect(actual).toBe(expected);
});
