import { expect, test } from "vitest";
import { count } from "../../src/count.ts";

test.each([
  [count(0, "pod"), "0 pods"],
  [count(1, "pod"), "1 pod"],
  [count(2, "pod"), "2 pods"],
  [count(1, "old pod", ["is", "are"]), "1 old pod is"],
  [count(2, "old pod", ["is", "are"]), "2 old pods are"],
])("%s", (said, expected) => {
  expect(said).toBe(expected);
});
