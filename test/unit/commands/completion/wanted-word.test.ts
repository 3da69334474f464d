import { expect, test } from "vitest";
import { wantedWord } from "../../../../src/commands/completion/wanted-word.ts";
import { IDLE_PROGRAM } from "../../../support/build/program.ts";

/** `check -n |` is the word after `-n `, and `ch|` is a word that has begun. */
function meaningOf(line: string): string {
  const { what, begun } = wantedWord(IDLE_PROGRAM, line.replace("|", "").split(" "));
  const command = "command" in what ? ` of ${what.command?.name() ?? "any command"}` : "";
  const flag = what.kind === "value" ? ` of ${what.flag}` : "";
  return `${what.kind}${flag}${command}${begun === "" ? "" : `: ${begun}`}`;
}

test.each([
  ["|", "command"],
  ["ch|", "command: ch"],
  ["-|", "nothing: -"],
  ["-n shop ch|", "command: ch"],
  ["--context |", "value of --context of any command"],
  ["nope |", "nothing"],
  ["check |", "argument of check"],
  ["check -|", "flag of check: -"],
  ["check --out|", "flag of check: --out"],
  ["check --output |", "value of --output of check"],
  ["check --output=w|", "value of --output of check: w"],
  ["check -o w|", "value of --output of check: w"],
  ["check -nshop |", "argument of check"],
  ["check -n shop,p|", "value of --namespace of check: shop,p"],
  ["check --json |", "argument of check"],
  ["restart --dry-run |", "argument of restart"],
  ["restart --dry-run=|", "value of --dry-run of restart"],
  ["restart deploy/web st|", "argument of restart: st"],
  ["restart -- -|", "argument of restart: -"],
  ["restart --nope |", "argument of restart"],
])("%s", (line, meaning) => {
  expect(meaningOf(line)).toBe(meaning);
});

test("the flags and the arguments before the word are known", () => {
  const line = "restart -n shop --context=prod deploy/web --as me -v ";
  const { given, args } = wantedWord(IDLE_PROGRAM, line.split(" "));
  expect([...given]).toEqual([
    ["--namespace", ["shop"]],
    ["--context", ["prod"]],
    ["--as", ["me"]],
    ["--verbose", []],
  ]);
  expect(args).toEqual(["deploy/web"]);
});
