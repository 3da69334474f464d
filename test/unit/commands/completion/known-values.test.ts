import { describe, expect, test } from "vitest";
import { isList, valuesOfFlag } from "../../../../src/commands/completion/known-values.ts";

describe("--context", () => {
  test.each([
    ["check", true],
    ["verify", true],
    ["status", true],
    ["revisions", true],
    ["restart", false],
    ["move", false],
    ["explain", false],
  ])("of %s takes several contexts: %s", (command, several) => {
    expect(isList("--context", command)).toBe(several);
    expect(valuesOfFlag("--context", command)).toEqual({ kind: "lookup", of: "contexts" });
  });
});

test.each([
  ["check", true],
  ["verify", true],
  ["status", false],
  ["restart", false],
])("--output of %s offers metrics: %s", (command, offered) => {
  const source = valuesOfFlag("--output", command);
  expect(source?.kind === "words" && source.words.includes("prometheus")).toBe(offered);
});
