import completion from "@bomb.sh/tab";
import completionOf from "@bomb.sh/tab/commander";
import type { Command } from "commander";
import { UsageError } from "../errors.ts";
import { COLORS, DRY_RUNS, INCLUDES, OUTPUTS, PROVES } from "../settings.ts";

const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

/** Values that a flag takes, where they are a few fixed ones. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  "--output": OUTPUTS,
  "--color": COLORS,
  "--include": INCLUDES,
  "--prove": PROVES,
  "--dry-run": DRY_RUNS,
};

/**
 * Prints the script that makes a shell complete the command line.
 *
 * @throws UsageError for a shell that is not known.
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

/** Prints what may follow the words typed so far: what the script asks for at every Tab. */
export function printCompletions(program: Command, words: readonly string[]): void {
  for (const option of program.commands.flatMap((command) => command.options)) {
    const values = VALUES[option.long ?? ""];
    if (values !== undefined) option.argChoices = [...values];
  }
  // The library adds commands of its own where the program has none by these names.
  completionOf(program, { completionCommandName: "completion" }).parse([...words]);
}
