import type { Command, Option } from "commander";

/** The word under the cursor: what it can be, and what the words before it say. */
export interface WantedWord {
  readonly what:
    | { readonly kind: "command" | "nothing" }
    | { readonly kind: "flag"; readonly command: Command }
    /** The value of a flag, such as `--output`. */
    | { readonly kind: "value"; readonly flag: string; readonly command: Command | undefined }
    | { readonly kind: "argument"; readonly command: Command };
  /** The beginning of the word, without `--flag=`. */
  readonly begun: string;
  /** The values of the flags before the word, by their long names. A flag that takes none has none. */
  readonly given: ReadonlyMap<string, readonly string[]>;
  /** The arguments before the word. */
  readonly args: readonly string[];
}

/** Returns the meaning of the last word. Words without a meaning are skipped. */
export function wantedWord(program: Command, words: readonly string[]): WantedWord {
  const current = words.at(-1) ?? "";
  const given = new Map<string, string[]>();
  const args: string[] = [];
  let command: Command | undefined;
  let pending: Option | undefined;
  let onlyArguments = false;
  const give = (flag: string, value: string) =>
    given.set(flag, [...(given.get(flag) ?? []), ...value.split(",")]);

  for (const word of words.slice(0, -1)) {
    if (pending !== undefined) {
      give(pending.long ?? "", word);
      pending = undefined;
    } else if (word === "--") {
      onlyArguments = true;
    } else if (word.startsWith("-") && !onlyArguments) {
      const { option, value } = flagIn(word, optionsOf(program, command));
      if (option !== undefined && value !== undefined) give(option.long ?? "", value);
      else if (option !== undefined && takesNextWord(option)) pending = option;
      else if (option?.long) given.set(option.long, given.get(option.long) ?? []);
    } else if (command === undefined) {
      command = program.commands.find((one) => one.name() === word);
      if (command === undefined) return { what: { kind: "nothing" }, begun: "", given, args };
    } else {
      args.push(word);
    }
  }

  const found = (what: WantedWord["what"], begun = current) => ({ what, begun, given, args });
  if (pending !== undefined) {
    return found({ kind: "value", flag: pending.long ?? "", command });
  }
  if (current.startsWith("-") && !onlyArguments) {
    const { option, value } = flagIn(current, optionsOf(program, command));
    if (current.startsWith("--") && option !== undefined && value !== undefined) {
      return found({ kind: "value", flag: option.long ?? "", command }, value);
    }
    return found(command === undefined ? { kind: "nothing" } : { kind: "flag", command });
  }
  return found(command === undefined ? { kind: "command" } : { kind: "argument", command });
}

/** The options that a flag can be; before the command, those of every command. */
function optionsOf(program: Command, command: Command | undefined): readonly Option[] {
  return (command === undefined ? program.commands : [command]).flatMap(({ options }) => options);
}

/** Returns the option that a word names, and the value if it is in the same word. */
function flagIn(
  word: string,
  options: readonly Option[],
): { readonly option: Option | undefined; readonly value: string | undefined } {
  if (word.startsWith("--")) {
    const [flag = "", ...values] = word.split("=");
    const option = options.find(({ long }) => long === flag);
    return { option, value: values.length > 0 ? values.join("=") : undefined };
  }
  const option = options.find(({ short }) => short === word.slice(0, 2));
  return { option, value: word.length > 2 ? word.slice(2) : undefined };
}

/** True if the next word is the flag's value. The value of `--dry-run` is given only with `=`. */
function takesNextWord({ required, long }: Option): boolean {
  return required && long !== "--dry-run";
}
