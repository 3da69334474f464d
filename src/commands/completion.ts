import completion from "@bomb.sh/tab";
import completionOf from "@bomb.sh/tab/commander";
import type { Command } from "commander";
import { UsageError } from "../errors.ts";
import {
  COLORS,
  DRY_RUNS,
  FAIL_ONS,
  INCLUDES,
  OUTPUTS,
  PROVES,
  RESTART_FAIL_ONS,
} from "../settings.ts";

const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

/** The values of the flags that take one of a few words. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  "--output": OUTPUTS,
  "--color": COLORS,
  "--fail-on": FAIL_ONS,
  "--include": INCLUDES,
  "--prove": PROVES,
  "--dry-run": DRY_RUNS,
};

const RESTART_VALUES: typeof VALUES = { "--fail-on": RESTART_FAIL_ONS };

/**
 * Prints the completion script for a shell.
 *
 * @throws UsageError if the shell is unknown.
 */
export function printCompletionScript(shell: string): void {
  if (!SHELLS.some((known) => known === shell)) {
    throw new UsageError(
      `there is no completion for "${shell}"`,
      `SHELL is one of: ${SHELLS.join(", ")}`,
    );
  }
  completion.setup("istio-upgrade", "istio-upgrade", shell);
}

/**
 * Prints the words that may follow the given ones. The completion script calls this at every Tab.
 */
export function printCompletions(program: Command, words: readonly string[]): void {
  for (const command of program.commands) {
    const known = command.name() === "restart" ? { ...VALUES, ...RESTART_VALUES } : VALUES;
    for (const option of command.options) {
      const values = known[option.long ?? ""];
      if (values !== undefined) option.argChoices = [...values];
    }
  }
  // Without this name the library would add a second completion command.
  completionOf(program, { completionCommandName: "completion" }).parse([...words]);
}
