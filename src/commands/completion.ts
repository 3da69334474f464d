import completion from "@bomb.sh/tab";
import type { Command } from "commander";
import { UsageError } from "../errors.ts";
import type { Io } from "../io.ts";
import {
  isList,
  SHELLS,
  type Source,
  valuesOfArgument,
  valuesOfFlag,
} from "./completion/known-values.ts";
import { BASH, ZSH } from "./completion/scripts.ts";
import { wantedWord, type WantedWord } from "./completion/wanted-word.ts";

/**
 * Prints the completion script for a shell.
 *
 * @throws UsageError if the shell is unknown.
 */
export function printCompletionScript(shell: string, io: Pick<Io, "stdout">): void {
  if (!SHELLS.some((known) => known === shell)) {
    throw new UsageError(
      `there is no completion for "${shell}"`,
      `SHELL is one of: ${SHELLS.join(", ")}`,
    );
  }
  if (shell === "bash") io.stdout.write(BASH);
  else if (shell === "zsh") io.stdout.write(ZSH);
  else completion.setup("istio-upgrade", "istio-upgrade", shell);
}

/** A possible word, and what it means. */
type Suggestion = readonly [word: string, meaning?: string];

/** The last line of the answer tells a shell whether file names are possible, too, as in cobra. */
const WITH_FILES = ":0";
const WITHOUT_FILES = ":4";

/**
 * Prints the words that may be the last of the given ones, one a line, with their meanings. The
 * completion scripts call this at every Tab, and so does kubectl for its plugin.
 */
export async function printCompletions(
  program: Command,
  words: readonly string[],
  io: Io,
): Promise<void> {
  const wanted = wantedWord(program, words);
  const source = sourceOf(program, wanted);
  const suggestions =
    source === undefined ? namesFor(program, wanted) : await valuesFrom(source, wanted, io);
  const lines = suggestions
    .filter(([word]) => word.startsWith(wanted.begun) && /^[^\p{C}\s]+$/u.test(word))
    .map(([word, meaning = ""]) => `${word}\t${meaning}\n`);
  const last = source?.kind === "files" ? WITH_FILES : WITHOUT_FILES;
  io.stdout.write(`${[...new Set(lines)].join("")}${last}\n`);
}

/** Returns the source of the values; `undefined` for a command or a flag. */
function sourceOf(program: Command, word: WantedWord): Source | undefined {
  const { what } = word;
  if (what.kind === "value") return valuesOfFlag(what.flag, what.command?.name());
  if (what.kind !== "argument") return undefined;
  return valuesOfArgument(
    what.command.name(),
    word,
    visible(program).map((command) => command.name()),
  );
}

function visible(program: Command): readonly Command[] {
  return program.createHelp().visibleCommands(program);
}

function namesFor(program: Command, { what }: WantedWord): readonly Suggestion[] {
  switch (what.kind) {
    case "command":
      return visible(program).map((command) => [command.name(), command.description()]);
    case "flag":
      return what.command
        .createHelp()
        .visibleOptions(what.command)
        .flatMap(({ long, short, description }) =>
          [long, short].flatMap((flag) => (flag ? [[flag, description] as const] : [])),
        );
    default:
      return [];
  }
}

async function valuesFrom(
  source: Source,
  { what, begun, given }: WantedWord,
  io: Io,
): Promise<readonly Suggestion[]> {
  // The values before the last comma of a list are complete.
  const isInList = what.kind === "value" && isList(what.flag, what.command?.name());
  const before = isInList ? begun.slice(0, begun.lastIndexOf(",") + 1) : "";
  const values = await valuesOf(source, { begun: begun.slice(before.length), given }, io);
  const taken = new Set(before.split(","));
  return values.filter((value) => !taken.has(value)).map((value) => [before + value]);
}

async function valuesOf(
  source: Source,
  question: Pick<WantedWord, "begun" | "given">,
  io: Io,
): Promise<readonly string[]> {
  switch (source.kind) {
    case "words":
      return source.words;
    case "files":
      return [];
    case "lookup": {
      const { lookUp } = await import("./completion/lookup.ts");
      // A completion has no place for an error message.
      return lookUp(source.of, question, io).catch(() => []);
    }
  }
}
