import { Command } from "commander";
import { UsageError } from "./errors.ts";
import { EXIT_MEANINGS } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import type { RawOptions } from "./option-values.ts";
import {
  COLORS,
  DRY_RUNS,
  FAIL_ONS,
  INCLUDES,
  OUTPUTS,
  PROVES,
  RESTART_FAIL_ONS,
} from "./settings.ts";

/** The functions that run the commands, so that the command line can be built without them. */
export interface Actions {
  check(raw: RawOptions): Promise<void>;
  restart(raw: RawOptions, names: readonly string[]): Promise<void>;
  verify(raw: RawOptions): Promise<void>;
  explain(raw: RawOptions, name: string): Promise<void>;
  revisions(raw: RawOptions, name: string | undefined): Promise<void>;
  completion(shell: string): Promise<void>;
  complete(words: readonly string[]): Promise<void>;
}

/** Builds the command line: commands, flags and help. */
export function buildProgram(io: Pick<Io, "stdout" | "stderr">, actions: Actions): Command {
  const program = new Command("istio-upgrade")
    .description(
      "Find pods that run an outdated Istio sidecar, restart their workloads at a safe\n" +
        "pace, and prove the result.",
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 80,
      // `main` prints the error.
      outputError: () => undefined,
    })
    .configureHelp({ optionTerm: (option) => flagTerm(option.flags), showGlobalOptions: false })
    .helpCommand(false)
    .helpOption("-h, --help", "Print this help")
    .addHelpText("after", programFooter);

  const check = addCommand(
    program,
    "check",
    "Find workloads whose pods run an outdated sidecar (read-only)",
    [
      "istio-upgrade check",
      "istio-upgrade check --namespace shop,pay",
      "istio-upgrade check --context prod --json | jq .summary",
    ],
  );
  addConsentOptions(addExitOptions(check).optionsGroup("Restart:")).action((raw: RawOptions) =>
    actions.check(raw),
  );

  addRestartOptions(
    addCommand(program, "restart", "Restart outdated workloads, wait, and verify", [
      "istio-upgrade restart --namespace default",
      "istio-upgrade restart deploy/web statefulset/db --namespace shop",
      "istio-upgrade restart --all-namespaces --context prod --yes",
      "istio-upgrade restart --namespace shop --dry-run",
    ]),
  )
    .argument("[KIND/NAME...]", "workloads to restart; default: all in scope")
    .action((names: string[], raw: RawOptions) => actions.restart(raw, names));

  const verify = addCommand(
    program,
    "verify",
    "Prove that every live pod in scope is on target and ready",
    ["istio-upgrade verify --namespace default", "istio-upgrade verify --all-namespaces --wait 5m"],
  );
  addExitOptions(verify)
    .optionsGroup("Verify:")
    .option("--wait <duration>", "keep retrying for this long", "0s")
    .action((raw: RawOptions) => actions.verify(raw));

  addDisplayOptions(
    addConnectionOptions(
      addBareCommand(program, "explain", "Explain the verdict on one workload", [
        "istio-upgrade explain deploy/web --namespace shop",
        "istio-upgrade explain pod/web-7d4b9c-x2x1z --namespace shop",
        "istio-upgrade explain sts/db --json | jq '.steps[]'",
      ])
        .argument("<KIND/NAME>", "the workload, or a pod of it")
        .optionsGroup("Scope:")
        .option(
          "-n, --namespace <name>",
          "the namespace; default: the namespace of the context",
          collect,
        )
        .option("--prove <when>", PROVE_HELP, "auto"),
    ),
  ).action((name: string, raw: RawOptions) => actions.explain(raw, name));

  addDisplayOptions(
    addConnectionOptions(
      addBareCommand(program, "revisions", "Show the revisions, and what still uses each of them", [
        "istio-upgrade revisions",
        "istio-upgrade revisions asm-1-27",
        "istio-upgrade revisions asm-1-27 --assert-unused && az aks mesh upgrade complete ...",
      ])
        .argument(
          "[REVISION]",
          "only this revision, with the commands that end each use; default: all",
        )
        .optionsGroup("Revisions:")
        .option(
          "--assert-unused",
          "exit 0 only if nothing uses the revision and everything was read",
        ),
    ),
  ).action((name: string | undefined, raw: RawOptions) => actions.revisions(raw, name));
  return program;
}

/**
 * Adds the commands for shell completion. They are separate because the documentation of the flags
 * leaves them out.
 */
export function addCompletionCommands(program: Command, actions: Actions): void {
  addBareCommand(program, "completion", "Print the completion script for a shell", [
    "source <(istio-upgrade completion bash)",
    "istio-upgrade completion zsh > ~/.zsh/completions/_istio-upgrade",
  ])
    .argument("<SHELL>", "bash, zsh, fish or powershell")
    .action((shell: string) => actions.completion(shell));
  // The completion script runs this command at every Tab.
  program
    .command("complete [words...]", { hidden: true })
    .action((words: string[]) => actions.complete(words));
}

const PROVE_HELP = `when to prove injection by a dry run: ${PROVES.join(", ")}`;

/** Adds a command with the flags for scope, connection and output. */
function addCommand(
  program: Command,
  name: string,
  summary: string,
  examples: readonly string[],
): Command {
  return addDisplayOptions(
    addConnectionOptions(addScopeOptions(addBareCommand(program, name, summary, examples))),
  );
}

function addBareCommand(
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

function addScopeOptions(scoped: Command): Command {
  return scoped
    .optionsGroup("Scope:")
    .option(
      "-n, --namespace <name>",
      "a namespace, or several separated by commas; repeatable",
      collect,
    )
    .option("-A, --all-namespaces", "all namespaces")
    .option("-l, --selector <labels>", "only workloads whose own labels match")
    .option("--revision <name>", "only workloads that run this revision or would get it")
    .option("--exclude <[ns/]kind[/name]>", "exclude these workloads; repeatable", collect)
    .option("--exclude-namespace <name>", "exclude this namespace; repeatable", collect)
    .option("--prove <when>", PROVE_HELP, "auto");
}

function addConnectionOptions(connected: Command): Command {
  return connected
    .optionsGroup("Connection:")
    .option(
      "--kubeconfig <file>",
      "kubeconfig to use instead of KUBECONFIG or ~/.kube/config",
      onlyOne("--kubeconfig"),
    )
    .option("--context <name>", "context of the kubeconfig to use", onlyOne("--context"))
    .option("--as <user>", "user to impersonate")
    .option("--as-group <group>", "group to impersonate; repeatable", collectWhole)
    .option("--request-timeout <duration>", "abort a request after this long without data", "30s")
    .option("-i, --istio-namespace <name>", "namespace of istiod", "aks-istio-system");
}

function addDisplayOptions(shown: Command): Command {
  return shown
    .optionsGroup("Output:")
    .option("-o, --output <format>", OUTPUTS.join(", "), "table")
    .option("--json", "the same as --output json")
    .option("--report-file <file>", "also write the JSON document to this file")
    .option("--no-headers", "omit the column headers")
    .option("-q, --quiet", "no progress; only the result and the RESULT line")
    .option("-v, --verbose", "print every request")
    .option("--color <when>", COLORS.join(", "), "auto");
}

function addExitOptions(reporting: Command): Command {
  return reporting
    .optionsGroup("Exit code:")
    .option(
      "--fail-on <what>",
      `findings that count for the exit code; default: ${FAIL_ONS.join(",")}`,
      collect,
    )
    .option("--exit-zero", "exit 0 whenever a report was made");
}

function addConsentOptions(restarting: Command): Command {
  return restarting
    .option("--include <what>", `also restart: ${INCLUDES.join(", ")}`, collect)
    .option(
      "--allow-downtime",
      "also restart workloads with no pod to spare: Recreate, a StatefulSet of one",
    );
}

function addRestartOptions(restart: Command): Command {
  return addConsentOptions(restart.optionsGroup("Restart:"))
    .option("--dry-run <mode>", `print the plan and stop: ${DRY_RUNS.join(", ")}`)
    .option("-y, --yes", "do not ask for confirmation")
    .option("--max-parallel <count>", "workloads to restart at the same time", "4")
    .option("--max-pods <count>", "most new pods at the same time; default: any number")
    .option("--max-failures <count>", "stop starting new restarts after this many failures", "1")
    .option("--pause <duration>", "minimum time between two restarts", "0s")
    .option("--timeout <duration>", "longest time that a workload may make no progress", "10m")
    .option(
      "--deadline <when>",
      "start no restart after this time: 2h from now, or 06:00 local time",
    )
    .option("--plan <file>", "carry out a saved plan (from --dry-run --output json)")
    .option("--reason <text>", "the reason, recorded in the report")
    .optionsGroup("Exit code:")
    .option(
      "--fail-on <what>",
      `leftovers that count for the exit code; default: ${RESTART_FAIL_ONS.join(",")}`,
      collect,
    );
}

/**
 * Rejects a flag that is given twice. The last value would decide, and the command would be about
 * another cluster than the first value names.
 */
function onlyOne(flag: string) {
  return (value: string, before: string | undefined): string => {
    if (before === undefined) return value;
    throw new UsageError(
      `${flag} is given twice: "${before}" and "${value}"`,
      "use it only once, and run the command once for each cluster",
    );
  };
}

/** Collects the values of a repeatable, comma-separated flag: `-n a,b -n c`. */
function collect(value: string, before: readonly string[] = []): readonly string[] {
  const parts = value.split(",").filter((part) => part !== "");
  // Keep an empty value, so that the check for empty values finds it.
  return [...before, ...(parts.length > 0 ? parts : [value])];
}

/** Collects the values of a repeatable flag whose values may contain commas. */
function collectWhole(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/**
 * Returns the flag as the help shows it. commander has no notation for an optional value that needs
 * its `=`.
 */
function flagTerm(flags: string): string {
  return flags.replace("--dry-run <mode>", "--dry-run[=mode]");
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
