import type { Command, CommanderError, Option } from "commander";
import { UsageError } from "./errors.ts";
import { parseAnyKind } from "./kubernetes/kinds.ts";
import { type Command as NextCommand, istioUpgrade, type NextStep, sentence } from "./next-step.ts";
import { listOf } from "./option-values.ts";

/** Flags of other programs, and what to write instead. */
const FLAGS_OF_OTHERS: Readonly<Record<string, NextStep>> = {
  "--all": "for all namespaces, write --all-namespaces",
  "--all-contexts":
    "this command takes one cluster: write --context; check, verify, status and revisions take several",
  "--concurrency": "for the number of workloads at the same time, write --max-parallel",
  "--debug": "for every request, write --verbose; for the stack of an error, set DEBUG=1",
  "--force":
    "nothing overrides would-lose or blocked; --include and --allow-downtime restart what is left out by default",
  "--format": "for another format, write --output",
  "--no-color": "for text without colors, write --color never",
  "--parallel": "for the number of workloads at the same time, write --max-parallel",
  "--server": "the server is that of the kubeconfig's context: write --context",
  "--show-labels": "for a column with a label, write --label-columns KEY",
  "--token": "the credentials are those of the kubeconfig's user: write --context",
};

/**
 * Turns commander's error into one sentence, with a hint that says what to write instead.
 *
 * @param command the command that the arguments name.
 */
export function usageErrorFor(error: CommanderError, command: Command | undefined): UsageError {
  const message = error.message.replace(/^error: /, "").replaceAll("\n", " ");
  return new UsageError(
    message.replace(/ \(Did you mean .*\)/, (guess) =>
      instead(message) === undefined ? guess : "",
    ),
    instead(message) ??
      (error.code === "commander.excessArguments" ? withoutArguments(command) : undefined) ??
      sentence`see the usage: ${helpOf(command?.name())}`,
  );
}

function instead(message: string): NextStep | undefined {
  const [, flag = ""] = /^unknown option '([^'=]*)/.exec(message) ?? [];
  return FLAGS_OF_OTHERS[flag];
}

/** Returns the command for a workload that follows a command without arguments. */
function withoutArguments(command: Command | undefined): NextStep | undefined {
  const name = workloadName(command?.args ?? []);
  if (name === undefined) return undefined;
  const namespace = listOf(command?.opts()["namespace"]);
  const where = namespace.length === 1 ? ["--namespace", namespace[0] ?? ""] : [];
  return sentence`for one workload: ${istioUpgrade("explain", name, ...where)}`;
}

/** Returns `deploy/web` for `deploy/web` and for kubectl's form of two words, `deploy web`. */
function workloadName([first = "", second]: readonly string[]): string | undefined {
  const [kind = "", name] = first.split("/");
  if (parseAnyKind(kind) === undefined) return undefined;
  if (name !== undefined) return first;
  return second === undefined ? undefined : `${kind}/${second}`;
}

export function helpOf(command: string | undefined): NextCommand {
  return istioUpgrade(...(command === undefined ? [] : [command]), "--help");
}

/**
 * Returns the arguments with the command first. kubectl, helm and istioctl take flags before the
 * command, too: `-n shop check`.
 */
export function withCommandFirst(program: Command, argv: readonly string[]): readonly string[] {
  const options = program.commands.flatMap((command) => command.options);
  let at = 0;
  while (argv[at]?.startsWith("-")) {
    const option = options.find((one) => isFlag(one, argv[at] ?? ""));
    if (option === undefined) return argv;
    at += option.required && !/=|^-\w./.test(argv[at] ?? "") ? 2 : 1;
  }
  const name = argv[at];
  const isCommand = program.commands.some((command) => command.name() === name);
  if (name === undefined || !isCommand) return argv;
  return [name, ...argv.slice(0, at), ...argv.slice(at + 1)];
}

/** True for `--name`, `--name=value`, `-n` and `-nvalue`. */
function isFlag({ long, short }: Option, word: string): boolean {
  if (word.startsWith("--")) return word.replace(/=.*/s, "") === long;
  return word.slice(0, 2) === short;
}
