import { UsageError } from "./errors.ts";
import { parseKind, type RestartableKind } from "./kubernetes/kinds.ts";
import { parseSelector } from "./kubernetes/selector.ts";
import { listOf, requireNamespaceName, type RawOptions, textOf } from "./option-values.ts";
import type { LabelSelector } from "./snapshot.ts";
import { shellWord } from "./shell-word.ts";

export interface ScopeSettings {
  /** Empty for all namespaces, or for the namespace of the context if workloads are named. */
  readonly namespaces: readonly string[];
  readonly allNamespaces: boolean;
  readonly workloads: readonly WorkloadName[];
  readonly selector: { readonly text: string; readonly parsed: LabelSelector } | undefined;
  readonly revision: string | undefined;
  readonly excludes: readonly Exclude[];
}

export interface WorkloadName {
  readonly kind: RestartableKind;
  readonly name: string;
}

/** The value of `--exclude` or `--exclude-namespace`. An absent part matches anything. */
export interface Exclude {
  readonly text: string;
  /** The flag and its value. */
  readonly args: readonly string[];
  readonly namespace: string | undefined;
  readonly kind: RestartableKind | undefined;
  readonly name: string | undefined;
}

/**
 * Reads the flags and arguments that select workloads.
 *
 * @throws UsageError
 */
export function scopeSettings(raw: RawOptions, names: readonly string[]): ScopeSettings {
  const namespaces = listOf(raw["namespace"]).map((name) =>
    requireNamespaceName("--namespace", name),
  );
  const allNamespaces = raw["allNamespaces"] === true;
  if (allNamespaces && namespaces.length > 0) {
    throw new UsageError(
      "--namespace and --all-namespaces cannot be used together",
      "use only one of them",
    );
  }
  return {
    namespaces: [...new Set(namespaces)],
    allNamespaces,
    workloads: names.map(parseWorkloadName),
    selector: parseSelectorFlag(textOf(raw["selector"])),
    revision: textOf(raw["revision"]),
    excludes: [
      ...listOf(raw["exclude"]).map(parseExclude),
      ...listOf(raw["excludeNamespace"]).map((namespace) => ({
        text: `--exclude-namespace ${namespace}`,
        args: ["--exclude-namespace", namespace],
        namespace: requireNamespaceName("--exclude-namespace", namespace),
        kind: undefined,
        name: undefined,
      })),
    ],
  };
}

const KINDS_HINT =
  "kinds are deployment, statefulset, daemonset and rollout: deploy/web, sts/db, ds/agent, ro/api";

function parseWorkloadName(given: string): WorkloadName {
  const [kindText = "", name, ...rest] = given.split("/");
  const kind = parseKind(kindText);
  if (kind === undefined || name === undefined || name === "" || rest.length > 0) {
    throw new UsageError(`"${given}" is not a KIND/NAME that can be restarted`, KINDS_HINT);
  }
  return { kind, name };
}

/** Parses `[NS/]KIND[/NAME]`. The first part is a namespace unless it is a kind. */
function parseExclude(given: string): Exclude {
  const parts = given.split("/");
  const [first = ""] = parts;
  const namespaced = parts.length > 1 && parseKind(first) === undefined;
  const [kindText = "", name, ...rest] = namespaced ? parts.slice(1) : parts;
  const kind = parseKind(kindText);
  if (kind === undefined || name === "" || rest.length > 0) {
    throw new UsageError(
      `--exclude "${given}" is not [NAMESPACE/]KIND[/NAME]`,
      `${KINDS_HINT}, shop/deploy/web`,
    );
  }
  const namespace = namespaced ? requireNamespaceName("--exclude", first) : undefined;
  return {
    text: `--exclude ${shellWord(given)}`,
    args: ["--exclude", given],
    namespace,
    kind,
    name,
  };
}

function parseSelectorFlag(given: string | undefined): ScopeSettings["selector"] {
  if (given === undefined) return undefined;
  const parsed = parseSelector(given);
  if (parsed.kind === "selector") return { text: given, parsed: parsed.selector };
  throw new UsageError(
    `--selector has an invalid part: "${parsed.part}"`,
    "use the syntax of kubectl: app=web,tier!=db,env in (test,prod),!legacy",
  );
}
