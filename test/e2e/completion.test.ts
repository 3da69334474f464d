import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Language, Parser } from "web-tree-sitter";
import { COMMAND, PROGRAM, runProgram } from "../support/run-program.ts";
import { requireTerminal, startCommandOnTerminal } from "../support/terminal.ts";

const require = createRequire(import.meta.url);

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
  [["status", "--t"], ["--to"]],
  [
    ["check", "--output", ""],
    ["table", "wide", "json", "jsonl", "markdown", "junit", "html", "prometheus"],
  ],
  [["restart", "--include", "m"], ["missing"]],
  [
    ["restart", "--max-"],
    ["--max-parallel", "--max-pods", "--max-failures"],
  ],
])("completes %j", async (words, expected) => {
  expect(await completions(...words)).toEqual(expected);
});

test.each([
  ["restart --dry-run=", ["client", "server"]],
  ["check --fail-on=outdated,b", ["outdated,blocked", "outdated,by-hand"]],
  ["restart --fail-on ", ["by-hand", "missing"]],
  ["check --group-by na", ["namespace", "namespace-label=", "namespace-annotation="]],
  ["status --group-by ki", ["kind"]],
  ["completion ", ["bash", "zsh", "fish", "powershell"]],
  ["help rev", ["revisions"]],
  ["check -", expect.arrayContaining(["--namespace", "-n", "--no-headers"])],
  ["check web", []],
  ["check --as ", []],
])("completes '%s'", async (line, expected) => {
  expect(await completions(...line.split(" "))).toEqual(expected);
});

test("leaves file names to the shell", async () => {
  const { stdout } = await runProgram(["complete", "--", "check", "--kubeconfig", ""]);
  expect(stdout).toBe(":0\n");
});

describe("contexts", () => {
  let folder: string;
  let env: Readonly<Record<string, string>>;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "completion-"));
    const names = ["arn:aws:eks:eu/x", "prod-1", "prod-2"];
    const contexts = names.map((name) => ({ name, context: { cluster: "a", user: "a" } }));
    writeFileSync(join(folder, "config"), JSON.stringify({ contexts }));
    symlinkSync(PROGRAM, join(folder, "istio-upgrade"));
    const path = `${folder}:${dirname(COMMAND[0])}:${process.env["PATH"]}`;
    env = { KUBECONFIG: join(folder, "config"), PATH: path, HOME: folder };
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Types a line with a Tab in an interactive shell, and waits until the screen shows the result. */
  async function pressTab(
    { shell, prepare }: { readonly shell: string; readonly prepare: string },
    line: string,
    shown: string,
  ): Promise<string> {
    const run = startCommandOnTerminal(shell, { ...env, PS1: "ready> " });
    const isShown = (text: string) =>
      vi.waitFor(async () => expect(await run.screen()).toContain(text), WAIT);
    try {
      run.type(`${prepare}; cd; echo pre""pared\r`);
      await isShown("\nprepared");
      run.type(`${line}\t`);
      await isShown(shown);
      return await run.screen();
    } finally {
      run.kill();
      await run.done;
    }
  }

  const WAIT = { timeout: 20_000, interval: 200 };
  const SHELLS = {
    // It does not have the package bash-completion.
    bash: {
      shell: "bash --norc --noprofile",
      prepare: "source <(istio-upgrade completion bash)",
    },
    zsh: {
      shell: "zsh -f",
      prepare: "autoload -Uz compinit && compinit -u -D; source <(istio-upgrade completion zsh)",
    },
    fish: { shell: "fish --no-config", prepare: "istio-upgrade completion fish | source" },
  };

  describe.each(Object.entries(SHELLS))("in %s", (name, shell) => {
    beforeEach(({ skip }) => {
      requireTerminal(skip);
      if (spawnSync(name, ["--version"]).error === undefined) return;
      const reason = `${name} is not installed`;
      process.stderr.write(`skipped: ${reason}\n`);
      skip(reason);
    });

    test.each([
      ["istio-upgrade check --context arn", "istio-upgrade check --context arn:aws:eks:eu/x"],
      ["istio-upgrade check --context arn:aws:e", "istio-upgrade check --context arn:aws:eks:eu/x"],
      ["istio-upgrade check --context=pr", "istio-upgrade check --context=prod-"],
      ["istio-upgrade restart --dry-run=s", "istio-upgrade restart --dry-run=server"],
      ["istio-upgrade rest", "istio-upgrade restart"],
      ["istio-upgrade check --kubeconfig=conf", "istio-upgrade check --kubeconfig=config"],
      ["istio-upgrade check --report-file conf", "istio-upgrade check --report-file config"],
    ])("%s", async (line, shown) => {
      expect(await pressTab(shell, line, shown)).toContain(shown);
    });
  });
});
test.each(["bash", "zsh", "fish", "powershell"])("prints a script for %s", async (shell) => {
  const { status, stdout, stderr } = await runProgram(["completion", shell]);
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/istio-upgrade" complete|istio-upgrade complete|complete --/);
});

test("prints a script for zsh that says what it needs", ({ skip }) => {
  const zsh = (prepare: string) =>
    spawnSync("zsh", ["-f", "-c", `${prepare}; source <(istio-upgrade completion zsh)`], {
      encoding: "utf8",
      env: { ...process.env, PATH: `${linked}:${process.env["PATH"]}`, HOME: linked },
    });
  const linked = mkdtempSync(join(tmpdir(), "completion-"));
  symlinkSync(PROGRAM, join(linked, "istio-upgrade"));
  const { error, stderr } = zsh(":");
  if (error !== undefined) {
    process.stderr.write("skipped: zsh is not installed\n");
    skip("zsh is not installed");
  }
  expect(stderr).toBe(
    "istio-upgrade: completion in zsh needs compinit. Put this line before it in ~/.zshrc:\n" +
      "  autoload -Uz compinit && compinit\n",
  );
  expect(zsh("autoload -Uz compinit && compinit -u -D").stderr).toBe("");
  rmSync(linked, { recursive: true });
});

test("prints a script that bash can parse", async () => {
  const { stdout } = await runProgram(["completion", "bash"]);
  const { status, stderr } = spawnSync("bash", ["-n"], { input: stdout, encoding: "utf8" });
  expect([status, stderr]).toEqual([0, ""]);
});

test("prints a script that PowerShell can parse", async () => {
  const { stdout } = await runProgram(["completion", "powershell"]);
  await Parser.init();
  const grammar = require.resolve("tree-sitter-powershell/tree-sitter-powershell.wasm");
  const parser = new Parser().setLanguage(await Language.load(grammar));
  const isValid = (script: string) => parser.parse(script)?.rootNode.hasError === false;
  expect(isValid(stdout)).toBe(true);
  expect(isValid(stdout.replace("}", ""))).toBe(false);
});

test("rejects any other shell as wrong usage", async () => {
  expect(await runProgram(["completion", "tcsh"])).toEqual({
    status: 64,
    stdout: "",
    stderr:
      'error: there is no completion for "tcsh"\nSHELL is one of: bash, zsh, fish, powershell\n',
  });
});
