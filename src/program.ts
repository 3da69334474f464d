import { Command } from "commander";
import { UsageError } from "./errors.ts";
import { EXIT_MEANINGS } from "./exit-codes.ts";
import { MAX_CLUSTERS } from "./fleet.ts";
import type { Io } from "./io.ts";
import { AKS_ISTIO_NAMESPACE } from "./istio-labels.ts";
import { istioUpgrade, sentence } from "./next-step.ts";
import type { RawOptions } from "./option-values.ts";
import {
  COLORS,
  DRY_RUNS,
  FAIL_ONS,
  INCLUDES,
  OUTPUTS,
  PLAIN_OUTPUTS,
  PROVES,
  RESTART_FAIL_ONS,
} from "./settings.ts";

/** The functions that run the commands, so that the command line can be built without them. */
export interface Actions {
  check(raw: RawOptions): Promise<void>;
  restart(raw: RawOptions, names: readonly string[]): Promise<void>;
  move(raw: RawOptions, namespaces: readonly string[]): Promise<void>;
  verify(raw: RawOptions): Promise<void>;
  explain(raw: RawOptions, name: string): Promise<void>;
  revisions(raw: RawOptions, name: string | undefined): Promise<void>;
  status(raw: RawOptions): Promise<void>;
  completion(shell: string): Promise<void>;
  version(): void;
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

  const check = addReadingCommand(
    program,
    "check",
    "Find workloads whose pods run an outdated sidecar (read-only)",
    [
      "istio-upgrade check",
      "istio-upgrade check --namespace shop,pay",
      "istio-upgrade check --context prod --json | jq .summary",
      "istio-upgrade check --context 'prod-*,staging'",
    ],
  );
  addConsentOptions(
    addExitOptions(addDrift(addGrouping(check)))
      .option("--since <file>", "only what this report (a file of --json) lacks counts")
      .optionsGroup("Restart:"),
  ).action((raw: RawOptions) => actions.check(raw));

  addRestartOptions(
    addInPlace(
      addAllowRevision(
        addRestartConsent(
          addCommand(program, "restart", "Restart outdated workloads, wait, and verify", [
            "istio-upgrade restart --namespace default",
            "istio-upgrade restart deploy/web statefulset/db --namespace shop",
            "istio-upgrade restart --all-namespaces --context prod --yes",
            "istio-upgrade restart --namespace shop --dry-run",
            "istio-upgrade restart pod/cache --namespace shop --in-place --allow-downtime",
          ]),
        ),
      ),
    ),
  )
    .argument("[KIND/NAME...]", "workloads to restart; default: all in scope")
    .action((names: string[], raw: RawOptions) => actions.restart(raw, names));

  addRestartOptions(
    addRestartConsent(
      addMoveOptions(
        addBareCommand(program, "move", "Move namespaces to another revision, and restart", [
          "istio-upgrade move shop pay --to asm-1-28",
          "istio-upgrade move shop --to asm-1-28 --dry-run",
          "istio-upgrade move shop --to prod-canary",
          "istio-upgrade move --namespace-selector ring=first --to asm-1-28",
          "istio-upgrade move shop --to asm-1-28 --wait-for-label 30m --yes",
        ]),
      ),
    ),
  )
    .argument("[NAMESPACE...]", "the namespaces to move")
    .action((names: string[], raw: RawOptions) => actions.move(raw, names));

  const verify = addReadingCommand(
    program,
    "verify",
    "Prove that every live pod in scope is on target and ready",
    ["istio-upgrade verify --namespace default", "istio-upgrade verify --all-namespaces --wait 5m"],
  );
  addExitOptions(addDrift(addGrouping(verify)))
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
    addFleetOptions(
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

  addGrouping(
    addDisplayOptions(
      addFleetOptions(
        addBareCommand(
          program,
          "status",
          "Show the state of an upgrade to another revision, and the next command",
          [
            "istio-upgrade status",
            "istio-upgrade status --to asm-1-28",
            "istio-upgrade status --to asm-1-28 --json | jq -r .nextStep",
          ],
        )
          .optionsGroup("Upgrade:")
          .option(
            "--to <revision>",
            "the revision to end on: the new one, or the old one for the way back",
          )
          .option("--prove <when>", PROVE_HELP, "auto"),
      ),
    ),
  ).action((raw: RawOptions) => actions.status(raw));
  return program;
}

/** Adds the commands that read no cluster. */
export function addLocalCommands(program: Command, actions: Actions): void {
  addBareCommand(program, "completion", "Print the completion script for a shell", [
    "source <(istio-upgrade completion bash)",
    "istio-upgrade completion zsh > ~/.zsh/completions/_istio-upgrade",
  ])
    .argument("<SHELL>", "bash, zsh, fish or powershell")
    .action((shell: string) => actions.completion(shell));
  addBareCommand(program, "help", "Print the help of a command", ["istio-upgrade help check"])
    .argument("[COMMAND]", "the command; default: all commands in short")
    .action((name: string | undefined) => helpTarget(program, name).outputHelp());
  addBareCommand(program, "version", "Print the version", ["istio-upgrade version"]).action(() =>
    actions.version(),
  );
  // The completion script runs this command at every Tab.
  program
    .command("complete [words...]", { hidden: true })
    .action((words: string[]) => actions.complete(words));
}

/** @throws UsageError if there is no such command. */
function helpTarget(program: Command, name: string | undefined): Command {
  const found = program.commands.find((command) => command.name() === name);
  if (name === undefined || found !== undefined) return found ?? program;
  throw new UsageError(
    `there is no command "${name}"`,
    sentence`see the commands: ${istioUpgrade("--help")}`,
  );
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

/** Adds a command that reads the scope in one cluster or in several. */
function addReadingCommand(
  program: Command,
  name: string,
  summary: string,
  examples: readonly string[],
): Command {
  return addDisplayOptions(
    addFleetOptions(addScopeOptions(addBareCommand(program, name, summary, examples))),
    OUTPUTS,
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
    .option("--namespace-selector <labels>", "only namespaces whose labels match")
    .option("-l, --selector <labels>", "only workloads whose own labels match")
    .option("--revision <name>", "only workloads that run this revision or would get it")
    .option("--exclude <[ns/]kind[/name]>", "exclude these workloads; repeatable", collect)
    .option("--exclude-namespace <name>", "exclude this namespace; repeatable", collect)
    .option("--prove <when>", PROVE_HELP, "auto");
}

function addConnectionOptions(connected: Command): Command {
  const chosen = addKubeconfig(connected);
  return addLoginOptions(
    chosen.option("--context <name>", "context of the kubeconfig to use", onlyOne("--context")),
  );
}

/** Adds the flags of a command that reports on one cluster or on several. */
function addFleetOptions(connected: Command): Command {
  const chosen = addKubeconfig(connected)
    .option(
      "--context <name>",
      "contexts of the kubeconfig: names or patterns such as 'prod-*'; repeatable",
      collectWhole,
    )
    .option("--all-contexts", "all contexts of the kubeconfig")
    .option("--exclude-context <name>", "leave these contexts out; repeatable", collectWhole)
    .option("--max-clusters <count>", "clusters to read at the same time", MAX_CLUSTERS);
  return addLoginOptions(chosen);
}

function addKubeconfig(connected: Command): Command {
  return connected
    .optionsGroup("Connection:")
    .option(
      "--kubeconfig <file>",
      "kubeconfig to use instead of KUBECONFIG or ~/.kube/config",
      onlyOne("--kubeconfig"),
    );
}

function addLoginOptions(connected: Command): Command {
  return connected
    .option("--as <user>", "user to impersonate")
    .option("--as-group <group>", "group to impersonate; repeatable", collectWhole)
    .option("--request-timeout <duration>", "abort a request after this long without data", "30s")
    .option("-i, --istio-namespace <name>", "namespace of istiod", AKS_ISTIO_NAMESPACE);
}

/** @param outputs the formats of the command. */
function addDisplayOptions(shown: Command, outputs: readonly string[] = PLAIN_OUTPUTS): Command {
  return shown
    .optionsGroup("Output:")
    .option("-o, --output <format>", outputs.join(", "), "table")
    .option("--json", "the same as --output json")
    .option(
      "--report-file <file>",
      "also write the JSON document to this file, HTML to .html, metrics to .prom; repeatable",
      collectWhole,
    )
    .option("--no-headers", "only rows: no headers, titles, or summary")
    .option("-q, --quiet", "no progress; only the result and the RESULT line")
    .option("-v, --verbose", "print every request")
    .option("--color <when>", COLORS.join(", "), "auto");
}

/** The last group of the command is that of its output. */
function addGrouping(showing: Command): Command {
  return showing
    .option(
      "--group-by <what>",
      "count workloads by namespace, kind, revision, label=KEY, namespace-label=KEY or namespace-annotation=KEY",
    )
    .option(
      "-L, --label-columns <keys>",
      "show labels of the workloads, or of their namespaces; repeatable",
      collect,
    );
}

function addExitOptions(reporting: Command): Command {
  return reporting
    .optionsGroup("Exit code:")
    .option(
      "--fail-on <what>",
      `findings that count for the exit code; default: ${FAIL_ONS.join(",")}`,
      collect,
    )
    .option(
      "--max-age <age>",
      "outdated counts only after this time, such as 30d, or if the age is unknown",
    )
    .option("--exit-zero", "exit 0 whenever a report was made");
}

/** The last group of the command is that of its output, likewise. */
function addDrift(showing: Command): Command {
  return showing.option("--drift", "compare pods with new ones: show what else a restart changes");
}

function addConsentOptions(restarting: Command): Command {
  return restarting
    .option("--include <what>", `also restart: ${INCLUDES.join(", ")}`, collect)
    .option(
      "--allow-downtime",
      "also restart workloads with no pod to spare: Recreate, a StatefulSet of one",
    );
}

function addMoveOptions(move: Command): Command {
  const moved = move
    .optionsGroup("Move:")
    .option("--to <name>", "the revision or the tag that the namespaces get")
    .option("--drop-injection-label", "also remove the label istio-injection")
    .option(
      "--wait-for-label <duration>",
      "if somebody else owns the label, wait this long until it leads to the revision",
    )
    .optionsGroup("Scope:")
    .option("--namespace-selector <labels>", "the namespaces to move, by their labels")
    .option("-l, --selector <labels>", "restart only workloads whose own labels match")
    .option("--exclude <[ns/]kind[/name]>", "do not restart these workloads; repeatable", collect)
    .option("--prove <when>", PROVE_HELP, "auto");
  return addDisplayOptions(addConnectionOptions(moved));
}

function addRestartConsent(restart: Command): Command {
  return addConsentOptions(addDrift(addGrouping(restart)).optionsGroup("Restart:")).option(
    "--only-sidecar",
    "leave alone workloads whose restart would change more",
  );
}

function addInPlace(restart: Command): Command {
  return restart
    .option("--in-place", "replace native sidecars in running pods, and restart nothing")
    .option("--pull", "with --in-place: pull the image first to nodes that do not list it");
}

function addAllowRevision(restart: Command): Command {
  return restart.option(
    "--allow-revision <name>",
    "move pods to this revision without a question, as with --yes; repeatable",
    collect,
  );
}

function addRestartOptions(restart: Command): Command {
  return restart
    .option("--dry-run <mode>", `print the plan and stop: ${DRY_RUNS.join(", ")}`)
    .option("-y, --yes", "do not ask for confirmation")
    .option("--max-parallel <count>", "workloads to restart at the same time", "4")
    .option("--max-pods <count>", "most new pods at the same time; default: any number")
    .option("--max-failures <count>", "stop starting new restarts after this many failures", "1")
    .option("--pause <duration>", "minimum time between two restarts", "0s")
    .option("--timeout <duration>", "longest time that a workload may make no progress", "10m")
    .option(
      "--scheduling-timeout <duration>",
      "time in which an autoscaler has to announce a node for a new pod",
      "30s",
    )
    .option(
      "--deadline <when>",
      "start no restart after this time: 2h from now, or 06:00 local time",
    )
    .option(
      "--waves <sizes>",
      "restart in waves: cumulative counts and percentages, as in 1,10%,50%",
    )
    .option(
      "--soak <duration>",
      "watch the new pods of each wave for this long before the next one",
    )
    .option(
      "--gate <file>",
      "run this program after each wave; only exit code 0 starts the next one",
    )
    .option("--gate-timeout <duration>", "longest time that the gate may take", "10m")
    .option(
      "--lease <[ns/]name>",
      "take this Lease first, so that no other run with it restarts anything meanwhile",
    )
    .option("--plan <file>", "carry out a saved plan (from --dry-run --output json)")
    .option("--reason <text>", "the reason, recorded in the report and in Events")
    .option("--events", "write Events on the workloads: for their owners, and about restarts")
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
