import { existsSync } from "node:fs";
import type { RequestOptions } from "node:https";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import type { KubeConfig } from "@kubernetes/client-node/dist/config.js";
import { CannotRun } from "../errors.ts";

/** Which cluster, as whom: the flags that kubectl has for it. */
export interface ConnectionSettings {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly as: string | undefined;
  readonly asGroups: readonly string[];
  /** Milliseconds without a byte after which a request has failed. */
  readonly requestTimeout: number;
}

export interface Connection {
  /** Name of the context; `in-cluster` with a service account's credentials. */
  readonly context: string;
  readonly server: URL;
  /** The context's own namespace, as kubectl takes it without `-n`. */
  readonly namespace: string;
  readonly inCluster: boolean;
  /** TLS and credential options of a request; asks credential plugins anew at every call. */
  authorize(): Promise<RequestOptions>;
}

/**
 * Finds the cluster as kubectl does: `--kubeconfig`, then `KUBECONFIG`, then `~/.kube/config`, then
 * the service account of the pod it runs in.
 *
 * @throws CannotRun where there is none, or no such context.
 */
export async function loadConnection(
  settings: ConnectionSettings,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Connection> {
  const files = kubeconfigFiles(settings, env);
  const inCluster = files.length === 0 && env["KUBERNETES_SERVICE_HOST"] !== undefined;
  if (files.length === 0 && !inCluster) {
    throw new CannotRun(
      "no cluster is configured: there is no kubeconfig file",
      "set KUBECONFIG or --kubeconfig, on AKS after: az aks get-credentials",
    );
  }
  const client = await import("@kubernetes/client-node/dist/config.js");
  const config = new client.KubeConfig();
  if (inCluster) config.loadFromCluster();
  else mergeFiles(config, files, client.KubeConfig);
  const context = inCluster ? "in-cluster" : chooseContext(config, settings.context, files);
  return connectionOf(config, context, inCluster, settings);
}

function kubeconfigFiles(
  { kubeconfig }: ConnectionSettings,
  env: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  if (kubeconfig !== undefined) {
    if (existsSync(kubeconfig)) return [kubeconfig];
    throw new CannotRun(
      `the kubeconfig file ${kubeconfig} does not exist`,
      "correct --kubeconfig, or leave it out to use KUBECONFIG or ~/.kube/config",
    );
  }
  const listed = (env["KUBECONFIG"] ?? "").split(delimiter).filter((file) => file !== "");
  if (listed.length === 0) {
    const home = join(env["HOME"] ?? homedir(), ".kube", "config");
    return existsSync(home) ? [home] : [];
  }
  const files = listed.filter((file) => existsSync(file));
  if (files.length > 0) return files;
  throw new CannotRun(
    `no file that KUBECONFIG names exists: ${listed.join(", ")}`,
    "correct KUBECONFIG, or unset it to use ~/.kube/config",
  );
}

/** As kubectl merges several files: the first `current-context` wins. */
function mergeFiles(
  config: KubeConfig,
  files: readonly string[],
  KubeConfigClass: typeof KubeConfig,
): void {
  for (const file of files) {
    try {
      const part = new KubeConfigClass();
      part.loadFromFile(file);
      config.mergeConfig(part, config.getCurrentContext() !== undefined);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
      throw new CannotRun(
        `the kubeconfig file ${file} cannot be read: ${message}`,
        "see what kubectl says of it: kubectl config view",
        { cause },
      );
    }
  }
}

function chooseContext(
  config: KubeConfig,
  asked: string | undefined,
  files: readonly string[],
): string {
  const known = config.getContexts().map(({ name }) => name);
  const context = asked ?? config.getCurrentContext();
  if (context === undefined || context === "") {
    throw new CannotRun(
      `the kubeconfig ${files.join(", ")} has no current context`,
      `name one with --context: ${known.join(", ") || "it has none"}`,
    );
  }
  if (!known.includes(context)) {
    throw new CannotRun(
      `the context "${context}" does not exist in ${files.join(", ")}`,
      `there are: ${known.join(", ") || "none"}`,
    );
  }
  config.setCurrentContext(context);
  return context;
}

function connectionOf(
  config: KubeConfig,
  context: string,
  inCluster: boolean,
  { as, asGroups }: ConnectionSettings,
): Connection {
  const cluster = config.getCurrentCluster();
  if (cluster === null || !URL.canParse(cluster.server)) {
    throw new CannotRun(
      `the context "${context}" names a cluster that the kubeconfig does not have`,
      "see what kubectl says of it: kubectl config view",
    );
  }
  return {
    context,
    server: new URL(cluster.server),
    namespace: config.getContextObject(context)?.namespace ?? "default",
    inCluster,
    authorize: async () => {
      const options: RequestOptions = {};
      await config.applyToHTTPSOptions(options);
      // Its agent opens a connection for every request; only a proxy needs it.
      if (cluster.proxyUrl === undefined) delete options.agent;
      options.headers = {
        ...(options.headers as Record<string, string>),
        ...(as === undefined ? {} : { "Impersonate-User": as }),
        ...(asGroups.length === 0 ? {} : { "Impersonate-Group": [...asGroups] }),
      };
      return options;
    },
  };
}
