import * as fc from "fast-check";
import { expect, test } from "vitest";
import { plain, plainCommand } from "../../../src/report/plain.ts";

test.each([
  ["web", "web"],
  ["a b", "a b"],
  ["  a\tb\r\nc\n", "a b c"],
  ["a\u2028b\u2029c\u00a0d", "a b c d"],
  ["\u001b[31mred\u001b[0m", "red"],
  ["\u001b]0;title\u0007text", "text"],
  ["\u001b]8;;https://evil.example\u0007click\u001b]8;;\u0007", "click"],
  ["\u009b31mred", "red"],
  ["a\u0000b\u0007c\u0008d\u007fe", "abcde"],
  // The rest of a broken sequence is harmless text.
  ["\u001b\u200b[31mred", "[31mred"],
  // Marks that change the direction of text, and invisible ones.
  ["user\u202egnp.exe", "usergnp.exe"],
  ["\u2066a\u2069\u200fb\u200ec\u061cd", "abcd"],
  ["zero\u200bwidth\ufeff", "zerowidth"],
  ["größe 日本 ✓", "größe 日本 ✓"],
  ["", ""],
])("%j becomes %j", (text, shown) => {
  expect(plain(text)).toBe(shown);
});

test("removes every character that controls a terminal", () => {
  const nasty = fc.constantFrom(
    "\u001b",
    "[",
    "]",
    "3",
    "m",
    "\u0007",
    "\n",
    "\u202e",
    "\u009b",
    "a",
  );
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit: nasty })), (text) => {
      expect(plain(text)).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
    }),
  );
});

// `stripVTControlCharacters` of Node takes minutes for the second text.
test("takes linear time", () => {
  const pieces = [
    "\u001b]",
    "\u001b;#",
    "\u001b[1;",
    "\u001b[ ",
    "\u009d\u0090",
    "\u001b",
    " ",
    "\u202e",
  ];
  for (const piece of pieces) {
    expect(plain(piece.repeat(1_000_000 / piece.length)).length).toBeLessThanOrEqual(4096);
  }
});

test("cuts long text in the middle, between whole characters", () => {
  const shown = plain(`begin ${"😀".repeat(5000)} end`);
  expect(shown).toMatch(/^begin (?:😀)+…(?:😀)+ end$/u);
  expect(shown.length).toBeLessThanOrEqual(4096);
});

test("never cuts a command", () => {
  const command = `kubectl label namespaces ${"shop ".repeat(2000)}`.trim();
  expect(plainCommand(`\u001b[31m${command}\n`)).toBe(command);
});
