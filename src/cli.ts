import { Command, CommanderError } from "commander";
import { UsageError } from "./errors.ts";
import { EXIT, EXIT_MEANINGS, type ExitCode } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import {
  COLORS,
  commonSettings,
  DRY_RUNS,
  INCLUDES,
  OUTPUTS,
  PROVES,
  type RawOptions,
  explainSettings,
  restartSettings,
  revisionsSettings,
  verifySettings,
} from "./settings.ts";

/**
 * Parses the arguments and runs the command that they name. Each command is imported when it runs,
 * so help and usage errors load nothing heavy.
 *
 * @throws UsageError for arguments that do not fit.
 */
export async function runCli(argv: readonly string[], version: string, io: Io): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT.ok;
  const actions: Actions = {
    check: async (raw) => {
      const settings = commonSettings(raw);
      const { check } = await import("./commands/check.ts");
      exitCode = await check(settings, version, io);
    },
    restart: async (raw, names) => {
      const settings = restartSettings(raw, names);
      const { restart } = await import("./commands/restart.ts");
      exitCode = await restart(settings, version, io);
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
    completion: async (shell) => {
      const { printCompletionScript } = await import("./commands/completion.ts");
      printCompletionScript(shell);
    },
    complete: async (words) => {
      const { printCompletions } = await import("./commands/completion.ts");
      printCompletions(buildProgram(io, actions), words);
    },
  };
  const program = buildProgram(io, actions).version(version, "--version", "Print the version");
  program.hook("preAction", (_program, chosen) => requireValues(chosen));
  completionCommands(program, actions);
  if (argv.length === 0) {
    program.outputHelp();
    return EXIT.ok;
  }
  try {
    await program.parseAsync(withOptionalValues(argv), { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help is no error; it comes this way only because nothing below may exit.
    if (error.exitCode === 0) return EXIT.ok;
    throw usageErrorFor(error, argv);
  }
  return exitCode;
}

/** What the commands do, so that the command line can be built without them. */
export interface Actions {
  check(raw: RawOptions): Promise<void>;
  restart(raw: RawOptions, names: readonly string[]): Promise<void>;
  verify(raw: RawOptions): Promise<void>;
  explain(raw: RawOptions, name: string): Promise<void>;
  revisions(raw: RawOptions, name: string | undefined): Promise<void>;
  completion(shell: string): Promise<void>;
  complete(words: readonly string[]): Promise<void>;
}

/** The command line as data: commands, flags, help. */
export function buildProgram(io: Pick<Io, "stdout" | "stderr">, actions: Actions): Command {
  const program = new Command("istio-upgrade")
    .description(
      "Find pods that run an old Istio sidecar, restart their workloads at a safe pace,\n" +
        "and prove the result.",
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 80,
      // Errors are printed once, by main.
      outputError: () => undefined,
    })
    .configureHelp({ optionTerm: (option) => termOf(option.flags), showGlobalOptions: false })
    .helpCommand(false)
    .helpOption("-h, --help", "Print this help")
    .addHelpText("after", programFooter);

  command(program, "check", "Find workloads whose pods run an old sidecar (read-only)", [
    "istio-upgrade check",
    "istio-upgrade check --namespace shop,pay",
    "istio-upgrade check --context prod --json | jq .summary",
  ]).action((raw: RawOptions) => actions.check(raw));

  restartOptions(
    command(program, "restart", "Restart them, wait, and verify from a fresh read", [
      "istio-upgrade restart --namespace default",
      "istio-upgrade restart deploy/web statefulset/db --namespace shop",
      "istio-upgrade restart --all-namespaces --context prod --yes",
      "istio-upgrade restart --namespace shop --dry-run",
    ]),
  )
    .argument("[KIND/NAME...]", "workloads to restart; without them, all in scope")
    .action((names: string[], raw: RawOptions) => actions.restart(raw, names));

  command(program, "verify", "Prove that every live pod in scope is on target and ready", [
    "istio-upgrade verify --namespace default",
    "istio-upgrade verify --all-namespaces --wait 5m",
  ])
    .optionsGroup("Verify:")
    .option("--wait <duration>", "go on trying until then", "0s")
    .action((raw: RawOptions) => actions.verify(raw));

  displayOptions(
    connectionOptions(
      bareCommand(program, "explain", "Show how the verdict about one workload comes about", [
        "istio-upgrade explain deploy/web --namespace shop",
        "istio-upgrade explain pod/web-7d4b9c-x2x1z --namespace shop",
        "istio-upgrade explain sts/db --json | jq '.steps[]'",
      ])
        .argument("<KIND/NAME>", "the workload, or a pod of it")
        .optionsGroup("Scope:")
        .option("-n, --namespace <name>", "its namespace; without it, the context's", collect)
        .option("--prove <when>", PROVE_HELP, "auto"),
    ),
  ).action((name: string, raw: RawOptions) => actions.explain(raw, name));

  displayOptions(
    connectionOptions(
      bareCommand(program, "revisions", "Show the revisions, and what still holds each", [
        "istio-upgrade revisions",
        "istio-upgrade revisions asm-1-27",
        "istio-upgrade revisions asm-1-27 --assert-unused && az aks mesh upgrade complete ...",
      ])
        .argument("[REVISION]", "only this one, with how to release it; without it, all")
        .optionsGroup("Revisions:")
        .option("--assert-unused", "exit 0 only if nothing holds it, and everything was read"),
    ),
  ).action((name: string | undefined, raw: RawOptions) => actions.revisions(raw, name));
  return program;
}

function completionCommands(program: Command, actions: Actions): void {
  bareCommand(program, "completion", "Print the script for completion in a shell", [
    "source <(istio-upgrade completion bash)",
    "istio-upgrade completion zsh > ~/.zsh/completions/_istio-upgrade",
  ])
    .argument("<SHELL>", "bash, zsh, fish or powershell")
    .action((shell: string) => actions.completion(shell));
  // What the script calls at every Tab.
  program
    .command("complete [words...]", { hidden: true })
    .action((words: string[]) => actions.complete(words));
}

const PROVE_HELP = `dry-run injection: ${PROVES.join(", ")}`;

/** A command over workloads, in a scope. */
function command(
  program: Command,
  name: string,
  summary: string,
  examples: readonly string[],
): Command {
  return displayOptions(
    connectionOptions(scopeOptions(bareCommand(program, name, summary, examples))),
  );
}

function bareCommand(
  program: Command,
  name: string,
  summary: string,
  examples: readonly string[],
): Command {
  const lines = examples.map((example) => `  ${example}`).join("\n");
  return program
    .command(name)
    .description(summary)
    .helpOption("-h, --help", "Print this help")
    .addHelpText("after", `\nExamples:\n${lines}\n`);
}

function scopeOptions(scoped: Command): Command {
  return scoped
    .optionsGroup("Scope:")
    .option("-n, --namespace <name>", "namespace; repeatable, or separated by commas", collect)
    .option("-A, --all-namespaces", "all namespaces")
    .option("-l, --selector <labels>", "only workloads whose own labels match")
    .option("--revision <name>", "only what runs this revision, or would get it")
    .option("--exclude <[ns/]kind[/name]>", "leave these out; repeatable", collect)
    .option("--exclude-namespace <name>", "leave this namespace out; repeatable", collect)
    .option("--prove <when>", PROVE_HELP, "auto");
}

function connectionOptions(connected: Command): Command {
  return connected
    .optionsGroup("Connection:")
    .option("--kubeconfig <file>", "kubeconfig to use instead of KUBECONFIG or ~/.kube/config")
    .option("--context <name>", "context of the kubeconfig to use")
    .option("--as <user>", "user to impersonate")
    .option("--as-group <group>", "group to impersonate; repeatable", collect)
    .option("--request-timeout <duration>", "give up on a request that is silent so long", "30s")
    .option("-i, --istio-namespace <name>", "namespace of istiod", "aks-istio-system");
}

function displayOptions(shown: Command): Command {
  return shown
    .optionsGroup("Output:")
    .option("-o, --output <format>", OUTPUTS.join(", "), "table")
    .option("--json", "the same as --output json")
    .option("--report-file <file>", "write the JSON document there as well")
    .option("--no-headers", "leave the column headers out")
    .option("-q, --quiet", "no progress, only the result and its last line")
    .option("-v, --verbose", "print every request")
    .option("--color <when>", COLORS.join(", "), "auto");
}

function restartOptions(restart: Command): Command {
  return restart
    .optionsGroup("Restart:")
    .option("--dry-run <mode>", `print the plan and stop: ${DRY_RUNS.join(", ")}`)
    .option("-y, --yes", "do not ask")
    .option("--max-parallel <count>", "workloads that roll at the same time", "4")
    .option("--max-pods <count>", "new pods in flight at the same time; without it, any number")
    .option("--max-failures <count>", "start nothing more after so many failures", "1")
    .option("--pause <duration>", "wait so long from one restart to the next", "0s")
    .option("--timeout <duration>", "longest that a workload may go without progress", "10m")
    .option("--deadline <when>", "start nothing later: 2h from now, or 06:00 local time")
    .option("--include <what>", `restart these too: ${INCLUDES.join(", ")}`, collect)
    .option("--allow-downtime", "also what has no pod to spare: Recreate, a StatefulSet of one")
    .option("--plan <file>", "restart what a saved plan says (--dry-run --output json)")
    .option("--reason <text>", "why, for the record in the report");
}

/** Repeatable, comma-separated, never variadic: `-n a,b -n c`. */
function collect(value: string, before: readonly string[] = []): readonly string[] {
  const parts = value.split(",").filter((part) => part !== "");
  // An empty value is refused later, and must not get lost here.
  return [...before, ...(parts.length > 0 ? parts : [value])];
}

/**
 * An empty value is most likely a variable that is not set. Taken for none it would lead to another
 * cluster, another user, or more than was meant.
 *
 * @throws UsageError
 */
function requireValues(given: Command): void {
  // A word that is about to be typed may be empty.
  if (given.name() === "complete") return;
  for (const option of given.options) {
    const value: unknown = given.getOptionValue(option.attributeName());
    if (![value].flat().some((entry) => typeof entry === "string" && entry.trim() === "")) continue;
    throw new UsageError(`${option.long} has an empty value`, "give it one, or leave it out");
  }
  if (given.args.some((argument) => argument.trim() === "")) {
    throw new UsageError("an argument is empty", `see: istio-upgrade ${given.name()} --help`);
  }
}

/**
 * An optional value is given only as `--flag=value`: commander would take the next argument for it,
 * and restart a workload fewer.
 */
function withOptionalValues(argv: readonly string[]): readonly string[] {
  const end = argv.indexOf("--");
  return argv.map((argument, index) =>
    argument === "--dry-run" && (end < 0 || index < end) ? "--dry-run=client" : argument,
  );
}

/** How the help shows a flag: commander knows no optional value that needs its `=`. */
function termOf(flags: string): string {
  return flags.replace("--dry-run <mode>", "--dry-run[=mode]");
}

const COMMANDS: ReadonlySet<string> = new Set([
  "check",
  "restart",
  "verify",
  "explain",
  "revisions",
  "completion",
]);

/** commander's message without its prefix, as one sentence, and the help to look at. */
function usageErrorFor(error: CommanderError, argv: readonly string[]): UsageError {
  const message = error.message.replace(/^error: /, "").replaceAll("\n", " ");
  const named = argv.find((argument) => COMMANDS.has(argument));
  return new UsageError(
    message,
    `see: istio-upgrade ${named === undefined ? "" : `${named} `}--help`,
  );
}

function programFooter(): string {
  const codes = EXIT_MEANINGS.map(([code, meaning]) => `  ${String(code).padEnd(5)}${meaning}`);
  return [
    "",
    "Examples:",
    "  istio-upgrade check",
    "  istio-upgrade restart --namespace default",
    "  istio-upgrade verify --namespace default --wait 5m",
    "",
    "Exit codes:",
    ...codes,
    "",
    'Use "istio-upgrade COMMAND --help" for the flags of a command.',
    "",
  ].join("\n");
}
