import { CannotRun, UsageError } from "../errors.ts";
import { kubectl, sentence } from "../next-step.ts";
import { requireCluster, parseServer } from "./chosen-context.ts";
import type { Context, Kubeconfig } from "./kubeconfig-file.ts";
import type { LoadedKubeconfig } from "./loaded-kubeconfig.ts";
import { readAuthority } from "./tls-options.ts";

/** The flags that select several contexts. */
export interface ContextSelection {
  /** The values of `--context`: names and patterns, separated by commas. Empty for all contexts. */
  readonly contexts: readonly string[];
  /** The values of `--exclude-context`, likewise. */
  readonly excludes: readonly string[];
}

/** The contexts of a fleet. */
export interface FleetContexts {
  /** In the order of the flags; the names that match one pattern are sorted. */
  readonly names: readonly string[];
  /** Remarks about contexts that lead to the same cluster. */
  readonly notes: readonly string[];
}

/**
 * Chooses the contexts of a fleet. Contexts that lead to one cluster as one user count once.
 *
 * @throws UsageError if a name or a pattern matches no context, or if no context is left.
 * @throws CannotRun if there is no kubeconfig file.
 */
export function chooseContexts(
  { contexts, excludes }: ContextSelection,
  { files, config }: LoadedKubeconfig,
): FleetContexts {
  if (files.length === 0) {
    throw new CannotRun(
      "there is no kubeconfig file, so there are no contexts to choose from",
      "set KUBECONFIG or --kubeconfig; without a kubeconfig file, omit the flags about contexts",
    );
  }
  const all = [...config.contexts.keys()].sort(byName);
  const named = contexts.flatMap((value) => matching("--context", value, all));
  const excluded = new Set(excludes.flatMap((value) => matching("--exclude-context", value, all)));
  const wanted = [...new Set(contexts.length === 0 ? all : named)];
  const left = wanted.filter((name) => !excluded.has(name));
  if (left.length === 0) {
    throw new UsageError(
      wanted.length === 0 ? "the kubeconfig has no context" : "--exclude-context leaves no context",
      sentence`see the contexts: ${kubectl("config", "get-contexts")}`,
    );
  }
  return withoutRepeated(left, config);
}

/**
 * Returns the name of the context if a value of `--context` is nothing but the name of one, although it
 * has commas or looks like a pattern.
 */
export function onlyContext(
  { contexts, excludes }: ContextSelection,
  { config }: LoadedKubeconfig,
): string | undefined {
  const [name, ...others] = contexts;
  if (name === undefined || others.length > 0 || excludes.length > 0) return undefined;
  return config.contexts.has(name) ? name : undefined;
}

/** @throws UsageError if a part of the value matches no context. */
function matching(flag: string, value: string, all: readonly string[]): readonly string[] {
  // The name of a context may have a comma.
  if (all.includes(value)) return [value];
  const parts = value.split(",").filter((part) => part !== "");
  return parts.flatMap((part) => {
    const found = all.includes(part) ? [part] : all.filter((name) => matches(name, part));
    if (found.length > 0) return found;
    throw new UsageError(
      `${flag} "${part}" matches no context`,
      `available contexts: ${all.join(", ") || "none"}`,
    );
  });
}

/** True if a name matches a pattern, in which `*` stands for any text and `?` for one character. */
function matches(name: string, pattern: string): boolean {
  // With each `*` as early as possible, matching takes no longer than the product of both lengths.
  const [wanted, text] = [Array.from(pattern), Array.from(name)];
  let [at, next, star, from] = [0, 0, -1, 0];
  while (at < text.length) {
    if (wanted[next] === "*") {
      [star, from] = [next, at];
      next += 1;
    } else if (wanted[next] === "?" || wanted[next] === text[at]) {
      next += 1;
      at += 1;
    } else if (star >= 0) {
      from += 1;
      [next, at] = [star + 1, from];
    } else {
      return false;
    }
  }
  return wanted.slice(next).every((character) => character === "*");
}

function byName(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true }) || (a < b ? -1 : 1);
}

function withoutRepeated(names: readonly string[], config: Kubeconfig): FleetContexts {
  const firsts = new Map<string, string>();
  const usersByServer = new Map<string, string[]>();
  const kept: string[] = [];
  const notes: string[] = [];
  for (const name of names) {
    const context = config.contexts.get(name);
    const server = context && serverKey(config, context);
    const key = server && JSON.stringify([server, context.user]);
    const first = key && firsts.get(key);
    if (first !== undefined && first !== "") {
      notes.push(
        `the context "${name}" is left out: it is the same cluster and user as "${first}"`,
      );
      continue;
    }
    kept.push(name);
    if (key === undefined || server === undefined) continue;
    firsts.set(key, name);
    usersByServer.set(server, [...(usersByServer.get(server) ?? []), name]);
  }
  for (const [first = "", ...others] of usersByServer.values()) {
    for (const name of others) {
      notes.push(
        `the contexts "${first}" and "${name}" are the same cluster with different users, so its workloads may count twice`,
      );
    }
  }
  return { names: kept, notes };
}

/** Returns a text that is equal for the same cluster; `undefined` if the context is not usable. */
function serverKey(config: Kubeconfig, context: Context): string | undefined {
  try {
    const cluster = requireCluster(config, context, []);
    return JSON.stringify([
      parseServer(cluster).href,
      readAuthority(cluster)?.trim(),
      cluster["insecure-skip-tls-verify"],
      cluster["tls-server-name"],
      cluster["proxy-url"],
    ]);
  } catch {
    // The report of the cluster has the error.
    return undefined;
  }
}
