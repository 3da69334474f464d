import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { runProgram } from "../support/run-program.ts";

/** Returns the suggestions for the next word, without the directive in the last line. */
async function completions(...words: readonly string[]): Promise<readonly string[]> {
  const { status, stdout } = await runProgram(["complete", "--", ...words]);
  expect(status).toBe(0);
  return stdout
    .trimEnd()
    .split("\n")
    .slice(0, -1)
    .map((line) => line.split("\t")[0] ?? "");
}

test.each([
  [["ch"], ["check"]],
  [["rev"], ["revisions"]],
  [
    ["check", "--output", ""],
    ["table", "wide", "json", "jsonl", "markdown", "junit"],
  ],
  [["restart", "--include", "m"], ["missing"]],
  [
    ["restart", "--max-"],
    ["--max-parallel", "--max-pods", "--max-failures"],
  ],
])("completes %j", async (words, expected) => {
  expect(await completions(...words)).toEqual(expected);
});

test.each(["bash", "zsh", "fish", "powershell"])("prints a script for %s", async (shell) => {
  const { status, stdout, stderr } = await runProgram(["completion", shell]);
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/istio-upgrade" complete|istio-upgrade complete|complete --/);
});

test("prints a script that bash can parse", async () => {
  const { stdout } = await runProgram(["completion", "bash"]);
  const { status, stderr } = spawnSync("bash", ["-n"], { input: stdout, encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
});

test("rejects any other shell as wrong usage", async () => {
  expect(await runProgram(["completion", "tcsh"])).toEqual({
    status: 64,
    stdout: "",
    stderr:
      'error: there is no completion for "tcsh"\nSHELL is one of: bash, zsh, fish, powershell\n',
  });
});
