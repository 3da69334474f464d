import { UsageError } from "./errors.ts";
import { parseAnyKind, parseKind, type RestartableKind } from "./kubernetes/kinds.ts";
import { parseSelector } from "./kubernetes/selector.ts";
import { istioUpgrade, sentence } from "./next-step.ts";
import { listOf, requireNamespaceName, type RawOptions, textOf } from "./option-values.ts";
import type { LabelSelector } from "./snapshot.ts";
import { shellWord } from "./shell-word.ts";

export interface ScopeSettings {
  /** Empty for all namespaces, or for the namespace of the context if workloads are named. */
  readonly namespaces: readonly string[];
  readonly allNamespaces: boolean;
  /** The selector of the namespaces' labels; `undefined` if there is none. */
  readonly namespaceSelector: SelectorFlag | undefined;
  readonly workloads: readonly WorkloadName[];
  readonly selector: SelectorFlag | undefined;
  readonly revision: string | undefined;
  readonly excludes: readonly Exclude[];
}

/** A selector as it was given, and what it says. */
export interface SelectorFlag {
  readonly text: string;
  readonly parsed: LabelSelector;
}

export interface WorkloadName {
  /** A kind that can be restarted; with `--in-place`, any kind. */
  readonly kind: string;
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
  const namespaceSelector = parseSelectorFlag(
    "--namespace-selector",
    textOf(raw["namespaceSelector"]),
  );
  if (namespaceSelector !== undefined && (allNamespaces || namespaces.length > 0)) {
    throw new UsageError(
      `--namespace-selector and ${allNamespaces ? "--all-namespaces" : "--namespace"} cannot be used together`,
      "use only one of them",
    );
  }
  return {
    namespaces: [...new Set(namespaces)],
    allNamespaces,
    namespaceSelector,
    workloads: withKind(names).map((name) =>
      parseWorkloadName(name, namespaces, raw["inPlace"] === true),
    ),
    selector: parseSelectorFlag("--selector", textOf(raw["selector"])),
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

/** Returns `deploy/web deploy/api` for kubectl's form `deploy web api`. */
function withKind([first = "", ...names]: readonly string[]): readonly string[] {
  if (first === "") return [];
  const isForm = names.length > 0 && [first, ...names].every((name) => !name.includes("/"));
  if (!isForm || parseAnyKind(first) === undefined) return [first, ...names];
  return names.map((name) => `${first}/${name}`);
}

/** @param isAnyKind true if pods, Jobs and the like can be named as well. */
function parseWorkloadName(
  given: string,
  namespaces: readonly string[],
  isAnyKind: boolean,
): WorkloadName {
  const [kindText = "", name, ...rest] = given.split("/");
  const kind = isAnyKind ? parseAnyKind(kindText) : parseKind(kindText);
  const isNamed = name !== undefined && name !== "" && rest.length === 0;
  if (kind !== undefined && isNamed) return { kind, name };
  const isOther = kind === undefined && isNamed && parseAnyKind(kindText) !== undefined;
  const where = namespaces.length === 1 ? ["--namespace", ...namespaces] : [];
  throw new UsageError(
    `"${given}" is not a KIND/NAME that can be restarted`,
    isOther
      ? sentence`see which workload it belongs to, and what to do: ${istioUpgrade("explain", given, ...where)}`
      : isAnyKind
        ? `${KINDS_HINT}, and with --in-place also pod/web and job/import`
        : KINDS_HINT,
  );
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

function parseSelectorFlag(flag: string, given: string | undefined): SelectorFlag | undefined {
  if (given === undefined) return undefined;
  const parsed = parseSelector(given);
  if (parsed.kind === "selector") return { text: given, parsed: parsed.selector };
  throw new UsageError(
    `${flag} has an invalid part: "${parsed.part}"`,
    "use the syntax of kubectl: app=web,tier!=db,env in (test,prod),!legacy",
  );
}
