import type { RequestOptions } from "node:https";
import type { Env } from "../io.ts";
import { chooseContext, clusterOf, kubeconfigFiles, serverOf, userOf } from "./chosen-context.ts";
import type { Credential, Credentials, PluginHost } from "./credential.ts";
import { fromFile, createCredentials } from "./credentials.ts";
import { impersonationHeaders } from "./impersonation.ts";
import { SERVICE_ACCOUNT_FOLDER, serviceAccount, type ServiceAccount } from "./in-cluster.ts";
import { type Cluster, mergeKubeconfigs, readKubeconfig, type User } from "./kubeconfig-file.ts";
import { proxyFor } from "./proxy.ts";
import { tlsOptions, type TlsOptions } from "./tls-options.ts";

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
  /** On the way to the server. */
  readonly proxy?: URL | undefined;
  /** The context's own namespace, as kubectl takes it without `-n`. */
  readonly namespace: string;
  readonly inCluster: boolean;
  /**
   * TLS and credential options of a request; a credential plugin is run where that is due.
   *
   * @param refused options that the server answered with 401: others are wanted.
   */
  authorize(this: void, refused?: RequestOptions): Promise<RequestOptions>;
}

/** What finding and reaching a cluster needs besides files and environment. */
export interface ConnectionHost extends Partial<Omit<PluginHost, "env">> {
  /** Of a pod's secrets. */
  readonly serviceAccountFolder?: string;
}

/**
 * Finds the cluster as kubectl does: `--kubeconfig`, then `KUBECONFIG`, then `~/.kube/config`, then
 * the service account of the pod it runs in. What kubectl would take for `localhost:8080` is an
 * error here.
 *
 * @throws CannotRun where there is none, or no such context, or it cannot be used.
 */
export async function loadConnection(
  settings: ConnectionSettings,
  env: Env,
  { serviceAccountFolder = SERVICE_ACCOUNT_FOLDER, ...host }: ConnectionHost = {},
): Promise<Connection> {
  const files = kubeconfigFiles(settings.kubeconfig, env);
  const account = serviceAccount(env, serviceAccountFolder);
  const config = mergeKubeconfigs(files.map((file) => readKubeconfig(file)));
  const context = chooseContext(config, settings.context, files, account);
  if (context === undefined) return inCluster(account as ServiceAccount, settings, env);
  const cluster = clusterOf(config, context, files);
  const server = serverOf(cluster);
  const user = userOf(config, context, server, files);
  const plain = server.protocol === "http:";
  const plugin: PluginHost = {
    env,
    now: Date.now,
    terminal: false,
    stepAside: () => undefined,
    ...host,
  };
  const found: Found = {
    server,
    cluster,
    user,
    // Nothing secret is sent where everybody may read it.
    tls: plain ? {} : tlsOptions(cluster, env),
    credentials:
      plain || user === undefined ? NOBODY : await createCredentials(user, cluster, plugin),
  };
  return {
    ...connect(found, settings, env),
    context: context.name,
    namespace: context.namespace ?? account?.namespace ?? "default",
    inCluster: false,
  };
}

const NOBODY: Credentials = {
  current: () => Promise.resolve(ANONYMOUS),
  renew: () => Promise.resolve(ANONYMOUS),
};
const ANONYMOUS: Credential = {};

interface Found {
  readonly server: URL;
  readonly cluster: Cluster;
  readonly user: User | undefined;
  readonly tls: TlsOptions;
  readonly credentials: Credentials;
}

function inCluster(account: ServiceAccount, settings: ConnectionSettings, env: Env): Connection {
  const cluster: Cluster = { name: "in-cluster", folder: "", server: account.server };
  const found: Found = {
    server: new URL(account.server),
    cluster,
    user: undefined,
    tls: account.ca === undefined ? tlsOptions(cluster, env) : { ca: account.ca },
    credentials: fromFile(account.tokenFile, "this pod's service account"),
  };
  return {
    ...connect(found, settings, env),
    context: "in-cluster",
    namespace: account.namespace,
    inCluster: true,
  };
}

/** What every request to a cluster has in common. */
function connect(
  { server, cluster, user, tls, credentials }: Found,
  settings: ConnectionSettings,
  env: Env,
): Pick<Connection, "server" | "proxy" | "authorize"> {
  const impersonation = impersonationHeaders(user, settings);
  const shown = new WeakMap<RequestOptions, Credential>();
  let last: RequestOptions | undefined;
  return {
    server,
    proxy: proxyFor(server, cluster, env),
    authorize: async (refused) => {
      const known = refused && shown.get(refused);
      const credential = await (known ? credentials.renew(known) : credentials.current());
      if (last !== undefined && shown.get(last) === credential) return last;
      const { authorization, ...certificate } = credential;
      const authorized = authorization === undefined ? {} : { Authorization: authorization };
      last = { ...tls, ...certificate, headers: { ...authorized, ...impersonation } as Headers };
      shown.set(last, credential);
      return last;
    },
  };
}

type Headers = NonNullable<RequestOptions["headers"]>;
