import { expect, test } from "vitest";
import { withCommandFirst } from "../../src/usage-error.ts";
import { IDLE_PROGRAM } from "../support/build/program.ts";

test.each([
  ["-n shop check", "check -n shop"],
  ["-nshop check -v", "check -nshop -v"],
  [
    "--namespace=shop --context prod restart deploy/web",
    "restart --namespace=shop --context prod deploy/web",
  ],
  ["-A -v check --json", "check -A -v --json"],
  ["--context check check", "check --context check"],
  ["--dry-run=client -n shop restart", "restart --dry-run=client -n shop"],
  ["--help check", "--help check"],
  ["check -n verify", "check -n verify"],
  ["-n check", "-n check"],
  ["--nope check", "--nope check"],
  ["-n shop chek", "-n shop chek"],
  ["-n", "-n"],
  ["", ""],
])("the command comes first: %s", (given, expected) => {
  const words = (text: string) => text.split(" ").filter((word) => word !== "");
  expect(withCommandFirst(IDLE_PROGRAM, words(given))).toEqual(words(expected));
});
