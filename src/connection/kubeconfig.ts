import type { OutgoingHttpHeaders } from "node:http";
import type { RequestOptions } from "node:https";
import type { Env } from "../io.ts";
import { chooseContext, requireCluster, parseServer, requireUser } from "./chosen-context.ts";
import type { Credential, Credentials, PluginHost } from "./credential.ts";
import { createCredentials, tokenFileCredentials } from "./credentials.ts";
import { impersonationHeaders } from "./impersonation.ts";
import { findServiceAccount, SERVICE_ACCOUNT_FOLDER, type ServiceAccount } from "./in-cluster.ts";
import type { Cluster, User } from "./kubeconfig-file.ts";
import { type LoadedKubeconfig, loadKubeconfig } from "./loaded-kubeconfig.ts";
import { chooseProxy } from "./proxy.ts";
import { tlsOptions, type TlsOptions, trustOnly } from "./tls-options.ts";

/** The flags that select a cluster and a user, as in kubectl. */
export interface ConnectionSettings {
  readonly kubeconfig: string | undefined;
  readonly context: string | undefined;
  readonly as: string | undefined;
  readonly asGroups: readonly string[];
  /** The milliseconds that a request may go without receiving a byte. */
  readonly requestTimeout: number;
}

/** Access to one API server as one user. */
export interface Connection {
  /** The name of the context, or `in-cluster` for a service account. */
  readonly context: string;
  readonly server: URL;
  /** The proxy through which requests reach the server. */
  readonly proxy?: URL | undefined;
  /** The namespace of the context, which kubectl uses without `-n`. */
  readonly namespace: string;
  readonly inCluster: boolean;
  /** The names of the kubeconfig's entries; absent for a service account. */
  readonly entries?: { readonly cluster: string; readonly user: string };
  /**
   * Returns the TLS options and the headers of a request. Runs the credential plugin if necessary.
   *
   * @param rejected the options that the server answered with 401. The method replaces them if it can.
   */
  authorize(this: void, rejected?: RequestOptions): Promise<RequestOptions>;
}

/** The parts of the outside world, besides the environment, that a connection needs. */
export interface ConnectionHost extends Partial<Omit<PluginHost, "env">> {
  /** The folder of a pod's service account. */
  readonly serviceAccountFolder?: string;
  /** The kubeconfig, if it was read before: a pipe can be read only once. */
  readonly loaded?: LoadedKubeconfig | undefined;
}

/**
 * Finds the cluster as kubectl does: in the file of `--kubeconfig`, in the files of `KUBECONFIG`, in
 * `~/.kube/config`, and finally from the service account of the pod. If nothing is configured, kubectl
 * uses `localhost:8080`, but this function throws an error.
 *
 * @throws CannotRun if no cluster is configured, or if its configuration is invalid.
 */
export async function loadConnection(
  settings: ConnectionSettings,
  env: Env,
  { serviceAccountFolder = SERVICE_ACCOUNT_FOLDER, loaded, ...host }: ConnectionHost = {},
): Promise<Connection> {
  const { files, config } = loaded ?? loadKubeconfig(settings.kubeconfig, env);
  const account = findServiceAccount(env, serviceAccountFolder);
  const context = chooseContext(config, settings.context, files, account);
  if (context === undefined) return inCluster(account as ServiceAccount, settings, env);
  const cluster = requireCluster(config, context, files);
  const server = parseServer(cluster);
  const user = requireUser(config, context, server, files);
  const plain = server.protocol === "http:";
  const plugin: PluginHost = {
    env,
    now: Date.now,
    terminal: false,
    pauseProgress: () => () => undefined,
    ...host,
  };
  const found: Found = {
    server,
    cluster,
    user,
    // Plain HTTP must not carry credentials.
    tls: plain ? {} : tlsOptions(cluster, server, env),
    credentials:
      plain || user === undefined ? NO_CREDENTIALS : await createCredentials(user, cluster, plugin),
  };
  return {
    ...connect(found, settings, env),
    context: context.name,
    namespace: context.namespace ?? account?.namespace ?? "default",
    inCluster: false,
    entries: { cluster: context.cluster ?? "", user: context.user ?? "" },
  };
}

const NO_CREDENTIALS: Credentials = {
  current: () => Promise.resolve(ANONYMOUS),
  renew: () => Promise.resolve(ANONYMOUS),
};
const ANONYMOUS: Credential = {};

/** A cluster and a user, before proxy and impersonation. */
interface Found {
  readonly server: URL;
  readonly cluster: Cluster;
  readonly user: User | undefined;
  readonly tls: TlsOptions;
  readonly credentials: Credentials;
}

function inCluster(account: ServiceAccount, settings: ConnectionSettings, env: Env): Connection {
  const cluster: Cluster = { name: "in-cluster", folder: "", server: account.server };
  const server = new URL(account.server);
  const found: Found = {
    server,
    cluster,
    user: undefined,
    tls:
      account.ca === undefined ? tlsOptions(cluster, server, env) : trustOnly(account.ca, server),
    credentials: tokenFileCredentials(account.tokenFile, "this pod's service account"),
  };
  return {
    ...connect(found, settings, env),
    context: "in-cluster",
    namespace: account.namespace,
    inCluster: true,
  };
}

/** Returns the parts of a connection that contexts and service accounts share. */
function connect(
  { server, cluster, user, tls, credentials }: Found,
  settings: ConnectionSettings,
  env: Env,
): Pick<Connection, "server" | "proxy" | "authorize"> {
  const impersonation = impersonationHeaders(user, settings);
  const credentialByOptions = new WeakMap<RequestOptions, Credential>();
  let last: RequestOptions | undefined;
  return {
    server,
    proxy: chooseProxy(server, cluster, env),
    authorize: async (rejected) => {
      const known = rejected && credentialByOptions.get(rejected);
      const credential = await (known ? credentials.renew(known) : credentials.current());
      if (last !== undefined && credentialByOptions.get(last) === credential) return last;
      const { authorization, ...certificate } = credential;
      const headers: Record<string, string | readonly string[]> = { ...impersonation };
      if (authorization !== undefined) headers["Authorization"] = authorization;
      last = { ...tls, ...certificate, headers: headers as OutgoingHttpHeaders };
      credentialByOptions.set(last, credential);
      return last;
    },
  };
}
