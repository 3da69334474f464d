import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EXIT, EXIT_MEANINGS, type ExitCode, exitCodeOf } from "../../src/exit-codes.ts";

/** The documented order of precedence. */
const FIRST_OF: readonly ExitCode[] = [64, 1, 143, 130, 3, 4, 2, 6, 5];

function codeOf(codes: readonly ExitCode[]): ExitCode {
  return exitCodeOf(codes.map((code) => ({ code, text: "" })));
}

test("the exit code is 0 without reasons", () => {
  expect(codeOf([])).toBe(0);
});

test.each(FIRST_OF.map((code, index) => [code, FIRST_OF.slice(index)] as const))(
  "%i takes precedence in %j",
  (code, codes) => {
    expect(codeOf(codes)).toBe(code);
    expect(codeOf(codes.toReversed())).toBe(code);
  },
);

test("the order and the number of reasons do not matter, and any reason prevents 0", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...FIRST_OF), { minLength: 1 }), (codes) => {
      expect(codeOf(codes)).toBe(FIRST_OF.find((code) => codes.includes(code)));
    }),
  );
});

test("every code has one meaning", () => {
  const codes = EXIT_MEANINGS.map(([code]) => code);
  expect(codes).toHaveLength(Object.values(EXIT).length);
  expect(new Set(codes)).toEqual(new Set(Object.values(EXIT)));
  expect(EXIT_MEANINGS.filter(([, meaning]) => meaning === "")).toEqual([]);
});
