import { expect, test } from "vitest";
import { compareRevisions } from "../../../src/mesh/revision-order.ts";

test("revisions are in the order of the numbers in their names", () => {
  const names = ["asm-1-100", "asm-1-27", "default", "asm-1-9", "asm-2-1", "canary"];
  expect(names.toSorted(compareRevisions)).toEqual([
    "asm-1-9",
    "asm-1-27",
    "asm-1-100",
    "asm-2-1",
    "canary",
    "default",
  ]);
});
