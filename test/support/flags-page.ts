import type { Argument, Command, Option } from "commander";
import { markdownTable } from "markdown-table";

const INTRO = `# Commands and flags

<!-- Written by \`npm run docs\` from src/program.ts. Do not edit. -->

\`istio-upgrade COMMAND --help\` prints the same, with examples.
`;

const VALUES = `## Values

- A repeatable flag also takes several values separated by commas, except \`--as-group\`, whose value
  may contain commas.
- An optional value is given only as \`--flag=value\`: \`--dry-run=server\`, not \`--dry-run server\`.
- A duration is written as in Go: \`90s\`, \`10m\`, \`1h30m\`. An age also takes days of 24 hours: \`30d\`,
  \`1d12h\`.
- \`KIND/NAME\` takes the short names of kubectl: \`deploy/web\`, \`sts/db\`, \`ds/agent\`.
- \`--exclude\` takes a kind or one workload, in one namespace or in all: \`sts\`, \`deploy/web\`,
  \`shop/deploy\`, \`shop/deploy/web\`. The annotation \`istio-upgrade/exclude: "true"\` on a workload or a
  namespace has the same effect.
- Without \`--namespace\`, \`check\` and \`verify\` read all namespaces. \`restart\` needs a scope:
  \`--namespace\`, \`--all-namespaces\`, \`--namespace-selector\`, or named workloads. Named workloads
  and \`explain\` use the namespace of the context.
- An empty value is an error, because a variable in your script is probably not set.
`;

/** Environment variables, and what they do. */
const ENVIRONMENT = [
  ["`KUBECONFIG`", "kubeconfig files to merge; `--kubeconfig` takes precedence"],
  [
    "`HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY`",
    "proxy to the API server, see [Connection](connection.md#proxies)",
  ],
  [
    "`SSL_CERT_FILE`, `SSL_CERT_DIR`, `NODE_EXTRA_CA_CERTS`",
    "certificate authorities to trust if the kubeconfig names none for the cluster",
  ],
  ["`NO_COLOR`, `FORCE_COLOR`", "no colors; colors even if the output is not a terminal"],
  ["`TERM=dumb`, `CI`", "progress as dated lines instead of a live view"],
  ["`POD_NAMESPACE`", "the default namespace in a pod, instead of that of its service account"],
  ["`XDG_CACHE_HOME`", "where the program keeps its compiled code, instead of `~/.cache`"],
  ["`DEBUG`", "print the stack trace of an error"],
  [
    "`ISTIO_UPGRADE_ENCODING`",
    "`json` reads lists as JSON, which is slower than protobuf; the report must be the same",
  ],
] as const;

/** Returns the text of `docs/flags.md`. */
export function flagsPage(program: Command): string {
  const sections = groupsOf(program).map(
    ([heading, rows]) => `## ${heading}\n\n${tablesOf(rows, program).join("\n")}`,
  );
  return [INTRO, commandTable(program), ...sections, VALUES, environmentTable()].join("\n");
}

function commandTable(program: Command): string {
  const rows = program
    .createHelp()
    .visibleCommands(program)
    .map((command) => [
      `\`${[command.name(), ...command.registeredArguments.map(argumentTerm)].join(" ")}\``,
      command.description(),
    ]);
  return `## Commands\n\n${table([["command", "does"], ...rows])}`;
}

function argumentTerm(argument: Argument): string {
  const term = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? term : `[${term}]`;
}

/** A flag with the commands that have it, with the same description. */
interface Row {
  readonly option: Option;
  readonly commands: string[];
}

/** The headings of the help in their order, with the flags below each. */
function groupsOf({ commands }: Command): readonly (readonly [string, readonly Row[]])[] {
  const groups = new Map<string, Row[]>();
  for (const command of commands) {
    for (const option of command.options) {
      const heading = (option.helpGroupHeading ?? "Options:").replace(/:$/, "");
      const rows = groups.get(heading) ?? [];
      groups.set(heading, rows);
      const same = rows.find(
        ({ option: { flags, description } }) =>
          flags === option.flags && description === option.description,
      );
      if (same) same.commands.push(command.name());
      else rows.push({ option, commands: [command.name()] });
    }
  }
  return [...groups];
}

/** One table for each set of commands that share flags. */
function tablesOf(found: readonly Row[], program: Command): readonly string[] {
  const sets = new Map<string, Row[]>();
  for (const row of found) {
    const takers = takersOf(row.commands, program);
    sets.set(takers, [...(sets.get(takers) ?? []), row]);
  }
  return [...sets].map(([takers, shared]) => {
    const rows = shared.map(({ option }) => [
      `\`${termOf(option.flags)}\``,
      option.description,
      typeof option.defaultValue === "string" ? `\`${option.defaultValue}\`` : "",
    ]);
    const columns = rows.some(([, , value]) => value !== "") ? 3 : 2;
    const cells = [["flag", "meaning", "default"], ...rows].map((row) => row.slice(0, columns));
    return `${takers}:\n\n${table(cells)}`;
  });
}

function takersOf(names: readonly string[], { commands }: Command): string {
  const withFlags = commands.filter(({ options }) => options.length > 0);
  if (names.length === withFlags.length) return "All commands that read a cluster";
  return names.map((name) => `\`${name}\``).join(", ");
}

/** Commander cannot express an optional value that needs its `=`. */
function termOf(flags: string): string {
  return flags.replace("--dry-run <mode>", "--dry-run[=mode]");
}

function environmentTable(): string {
  return `## Environment\n\n${table([["variable", "effect"], ...ENVIRONMENT])}`;
}

function table(rows: readonly (readonly string[])[]): string {
  return `${markdownTable(rows)}\n`;
}
