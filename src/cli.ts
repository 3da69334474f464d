import { type Command, CommanderError } from "commander";
import { CannotRun, UsageError } from "./errors.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { contextOf } from "./fleet.ts";
import type { Io } from "./io.ts";
import { sentence } from "./next-step.ts";
import { type RawOptions, textOf } from "./option-values.ts";
import { type Actions, buildProgram, addLocalCommands } from "./program.ts";
import {
  createStepFormatter,
  type GivenFlags,
  type StepFormatter,
} from "./report/next-step-text.ts";
import {
  checkSettings,
  explainSettings,
  moveSettings,
  restartSettings,
  revisionsSettings,
  statusSettings,
  verifySettings,
} from "./settings.ts";
import { helpOf, usageErrorFor, withCommandFirst } from "./usage-error.ts";

/**
 * Parses the arguments and runs the command that they name. Each command is imported when it runs,
 * so help and usage errors load nothing heavy.
 *
 * @throws UsageError if the arguments are invalid.
 */
export async function runCli(argv: readonly string[], version: string, io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const actions: Actions = {
    check: async (raw) => {
      const settings = checkSettings(raw);
      const { check } = await import("./commands/check.ts");
      exitCode = await check(settings, version, io);
    },
    restart: async (raw, names) => {
      const settings = restartSettings(raw, names);
      const { restart } = await import("./commands/restart.ts");
      exitCode = await restart(settings, version, io);
    },
    move: async (raw, namespaces) => {
      const settings = moveSettings(raw, namespaces);
      const { move } = await import("./commands/move.ts");
      exitCode = await move(settings, version, io);
    },
    verify: async (raw) => {
      const settings = verifySettings(raw);
      const { verify } = await import("./commands/verify.ts");
      exitCode = await verify(settings, version, io);
    },
    explain: async (raw, name) => {
      const settings = explainSettings(raw, name);
      const { explain } = await import("./commands/explain.ts");
      exitCode = await explain(settings, version, io);
    },
    revisions: async (raw, name) => {
      const settings = revisionsSettings(raw, name);
      const { revisions } = await import("./commands/revisions.ts");
      exitCode = await revisions(settings, version, io);
    },
    status: async (raw) => {
      const settings = statusSettings(raw);
      const { status } = await import("./commands/status.ts");
      exitCode = await status(settings, version, io);
    },
    completion: async (shell) => {
      const { printCompletionScript } = await import("./commands/completion.ts");
      printCompletionScript(shell, io);
    },
    version: () => void io.stdout.write(`${version}\n`),
    complete: async (words) => {
      const { printCompletions } = await import("./commands/completion.ts");
      await printCompletions(program, words, io);
    },
  };
  const program = buildProgram(io, actions).version(version, "--version", "Print the version");
  let formatStep = createStepFormatter({});
  program.hook("preAction", (_program, chosen) => {
    formatStep = createStepFormatter(clusterFlags(chosen.opts()));
    requireValues(chosen);
  });
  addLocalCommands(program, actions);
  if (argv.length === 0) {
    program.outputHelp();
    return EXIT.ok;
  }
  try {
    await program.parseAsync(withCommandFirst(program, withOptionalValues(argv)), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw withPrintedHint(error, formatStep);
    // commander also throws for help, because it must not end the process.
    if (error.exitCode === 0) return EXIT.ok;
    const named = program.commands.find((command) => argv.includes(command.name()));
    throw withPrintedHint(
      usageErrorFor(error, named),
      createStepFormatter(clusterFlags(named?.opts() ?? {})),
    );
  }
  return exitCode;
}

/** Returns the flags that lead to the cluster. Those of several clusters lead to none of them. */
function clusterFlags(raw: RawOptions): GivenFlags {
  return {
    kubeconfig: textOf(raw["kubeconfig"]),
    context: contextOf(raw),
    istioNamespace: textOf(raw["istioNamespace"]),
  };
}

/**
 * Rejects empty values. An empty value usually comes from an unset variable. If it counted as
 * absent, the command could reach another cluster, another user or a wider scope.
 *
 * @throws UsageError
 */
function requireValues(given: Command): void {
  // The word under the cursor may be empty.
  if (given.name() === "complete") return;
  for (const option of given.options) {
    const value: unknown = given.getOptionValue(option.attributeName());
    if (![value].flat().some((entry) => typeof entry === "string" && entry.trim() === "")) continue;
    throw new UsageError(`${option.long} has an empty value`, "give it a value, or omit it");
  }
  if (given.args.some((argument) => argument.trim() === "")) {
    throw new UsageError("an argument is empty", sentence`see the usage: ${helpOf(given.name())}`);
  }
}

/**
 * Writes a bare `--dry-run` with its default value. Otherwise commander would take the next
 * argument as the value, although it names a workload.
 */
function withOptionalValues(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--");
  return argv.map((argument, index) =>
    argument === "--dry-run" && (end < 0 || index < end) ? "--dry-run=client" : argument,
  );
}

/** Returns a copy of the error whose hint has the cluster's flags; returns other errors unchanged. */
function withPrintedHint(error: unknown, formatStep: StepFormatter): unknown {
  if (error instanceof CannotRun) {
    const { message, hint, code } = error;
    return new CannotRun(message, formatStep(hint), { cause: error, code });
  }
  return error instanceof UsageError
    ? new UsageError(error.message, formatStep(error.hint), {
        cause: error,
        context: error.context,
      })
    : error;
}
