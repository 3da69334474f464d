import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { Env } from "../io.ts";
import { CannotRun } from "../errors.ts";
import { AKS_CLUSTER, az, kubectl, sentence } from "../next-step.ts";
import type { ServiceAccount } from "./in-cluster.ts";
import type { Cluster, Context, Kubeconfig, User } from "./kubeconfig-file.ts";

/**
 * Returns the kubeconfig files to read, in order. The list is empty if no file is configured and
 * `~/.kube/config` does not exist.
 *
 * @throws CannotRun if files are configured and none of them exists.
 */
export function findKubeconfigFiles(kubeconfig: string | undefined, env: Env): readonly string[] {
  if (kubeconfig !== undefined) {
    if (existsSync(kubeconfig)) return [kubeconfig];
    throw new CannotRun(
      `the kubeconfig file ${kubeconfig} does not exist`,
      "correct --kubeconfig, or omit it to use KUBECONFIG or ~/.kube/config",
    );
  }
  const named = env["KUBECONFIG"] ?? "";
  if (named === "") {
    const home = join(env["HOME"] ?? homedir(), ".kube", "config");
    return existsSync(home) ? [home] : [];
  }
  const listed = named.split(delimiter).filter((file) => file !== "");
  const files = listed.filter((file) => existsSync(file));
  if (files.length > 0) return files;
  throw new CannotRun(
    listed.length === 0
      ? "KUBECONFIG lists no file"
      : `none of the files in KUBECONFIG exists: ${listed.join(", ")}`,
    "correct KUBECONFIG, or unset it to use ~/.kube/config",
  );
}

/**
 * Returns the context to use, or `undefined` to use the service account of the pod.
 *
 * @throws CannotRun if the context does not exist, or if there is neither a current context nor a
 *   service account.
 */
export function chooseContext(
  { contexts, currentContext }: Kubeconfig,
  asked: string | undefined,
  files: readonly string[],
  account: ServiceAccount | undefined,
): Context | undefined {
  const name = asked ?? currentContext;
  const known = [...contexts.keys()].join(", ");
  if (name === undefined) {
    if (account !== undefined) return undefined;
    if (files.length === 0) throw nothingConfigured();
    throw new CannotRun(
      `the kubeconfig ${files.join(", ")} has no current context`,
      `choose a context with --context: ${known || "the kubeconfig has none"}`,
    );
  }
  const context = contexts.get(name);
  if (context !== undefined) return context;
  if (files.length === 0 && account === undefined) throw nothingConfigured();
  throw new CannotRun(
    files.length === 0
      ? `the context "${name}" does not exist: there is no kubeconfig file`
      : `the context "${name}" does not exist in ${files.join(", ")}`,
    files.length === 0
      ? "omit --context to use the pod's service account, or set KUBECONFIG or --kubeconfig"
      : `available contexts: ${known || "none"}`,
  );
}

function nothingConfigured(): CannotRun {
  return new CannotRun(
    "no cluster is configured: there is no kubeconfig file",
    sentence`set KUBECONFIG or --kubeconfig; on AKS, first run: ${az("aks", "get-credentials", ...AKS_CLUSTER)}`,
  );
}

/** @throws CannotRun if the context names no cluster, or one that the kubeconfig does not have. */
export function requireCluster(
  { clusters }: Kubeconfig,
  context: Context,
  files: readonly string[],
): Cluster {
  const cluster = clusters.get(context.cluster ?? "");
  if (context.cluster === undefined || cluster === undefined)
    throw missingEntry(context, "cluster", files);
  return cluster;
}

/**
 * Returns the user of the context. Plain HTTP needs no user, because it carries no credentials.
 *
 * @throws CannotRun if the context names no user, or one that the kubeconfig does not have.
 */
export function requireUser(
  { users }: Kubeconfig,
  context: Context,
  server: URL,
  files: readonly string[],
): User | undefined {
  const user = users.get(context.user ?? "");
  if (user !== undefined || server.protocol === "http:") return user;
  throw missingEntry(context, "user", files);
}

function missingEntry(
  context: Context,
  noun: "cluster" | "user",
  files: readonly string[],
): CannotRun {
  const name = context[noun];
  return new CannotRun(
    name === undefined
      ? `the context "${context.name}" names no ${noun}`
      : `the context "${context.name}" names the ${noun} "${name}", which does not exist in ${files.join(", ")}`,
    sentence`compare with: ${kubectl("config", "view")}`,
  );
}

/**
 * Returns the address of the API server. Like kubectl, it takes an address without a scheme as plain
 * HTTP.
 *
 * @throws CannotRun if the address is missing or is not an HTTP address.
 */
export function parseServer({ name, server }: Cluster): URL {
  if (server === undefined) {
    throw new CannotRun(`the cluster "${name}" has no server`, "correct the kubeconfig");
  }
  const whole = server.includes("://") ? server : `http://${server}`;
  if (/^https?:/i.test(whole) && URL.canParse(whole)) return new URL(whole);
  throw new CannotRun(
    `the server of the cluster "${name}" is not an address: ${withoutLogin(server)}`,
    "correct the kubeconfig: https://HOST:PORT",
  );
}

/** Removes what may be a user and a password from an address that is invalid. */
function withoutLogin(address: string): string {
  return address.replace(/^([^/]*\/\/)?[^/]*@/, "$1");
}
