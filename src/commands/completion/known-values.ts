import { FLEET_COMMANDS } from "../../fleet.ts";
import { GROUP_BYS } from "../../grouping.ts";
import {
  COLORS,
  DRY_RUNS,
  FAIL_ONS,
  INCLUDES,
  OUTPUTS,
  PLAIN_OUTPUTS,
  PROVES,
  RESTART_FAIL_ONS,
} from "../../settings.ts";
import type { WantedWord } from "./wanted-word.ts";

/** A kind of value that is read from the kubeconfig or the cluster. */
export type Looked = "contexts" | "namespaces" | "revisions" | "workloads" | "pods";

/** The source of the values of a flag or an argument. */
export type Source =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "lookup"; readonly of: Looked }
  | { readonly kind: "files" };

export const SHELLS = ["bash", "zsh", "fish", "powershell"] as const;

const words = (...values: readonly string[]): Source => ({ kind: "words", words: values });
const lookup = (of: Looked): Source => ({ kind: "lookup", of });
const FILES: Source = { kind: "files" };

const FLAGS: Readonly<Record<string, Source>> = {
  "--allow-revision": lookup("revisions"),
  "--color": words(...COLORS),
  "--context": lookup("contexts"),
  "--dry-run": words(...DRY_RUNS),
  "--exclude": lookup("workloads"),
  "--exclude-context": lookup("contexts"),
  "--exclude-namespace": lookup("namespaces"),
  "--fail-on": words(...FAIL_ONS),
  "--include": words(...INCLUDES),
  "--istio-namespace": lookup("namespaces"),
  "--kubeconfig": FILES,
  "--namespace": lookup("namespaces"),
  "--output": words(...PLAIN_OUTPUTS),
  "--gate": FILES,
  "--group-by": words(...GROUP_BYS),
  "--plan": FILES,
  "--prove": words(...PROVES),
  "--report-file": FILES,
  "--revision": lookup("revisions"),
  "--since": FILES,
  "--to": lookup("revisions"),
};

const RESTART_FLAGS: typeof FLAGS = { "--fail-on": words(...RESTART_FAIL_ONS) };

/** The flags that take several values separated by commas. */
const LISTS: ReadonlySet<string> = new Set([
  "--allow-revision",
  "--exclude",
  "--exclude-context",
  "--exclude-namespace",
  "--fail-on",
  "--include",
  "--namespace",
]);

/** The commands that report on several clusters take several contexts. */
export function isList(flag: string, command: string | undefined): boolean {
  const isOfFleet = FLEET_COMMANDS.some((name) => name === command);
  return LISTS.has(flag) || (flag === "--context" && isOfFleet);
}

/** Returns the source of a flag's values; `undefined` if only the user knows them. */
export function valuesOfFlag(flag: string, command: string | undefined): Source | undefined {
  const acts = command === "restart" || command === "move";
  if (flag === "--output" && (command === "check" || command === "verify"))
    return words(...OUTPUTS);
  return (acts ? RESTART_FLAGS[flag] : undefined) ?? FLAGS[flag];
}

/**
 * Returns the source of an argument of a command; `undefined` if it takes no more.
 *
 * @param word the word under the cursor.
 */
export function valuesOfArgument(
  command: string,
  word: Pick<WantedWord, "args" | "given">,
  commands: readonly string[],
): Source | undefined {
  if (command === "restart") return lookup(word.given.has("--in-place") ? "pods" : "workloads");
  if (command === "move") return lookup("namespaces");
  if (word.args.length > 0) return undefined;
  switch (command) {
    case "explain":
      return lookup("pods");
    case "revisions":
      return lookup("revisions");
    case "completion":
      return words(...SHELLS);
    case "help":
      return words(...commands);
    default:
      return undefined;
  }
}
