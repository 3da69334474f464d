import { spawn } from "node:child_process";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { isObject, parseObject } from "../json-object.ts";
import { CannotRun } from "../errors.ts";
import { az, kubectl, kubelogin, sentence } from "../next-step.ts";
import type { Credential, Credentials, PluginHost } from "./credential.ts";
import { type Plugin, readPlugin } from "./credential-plugin.ts";
import type { Cluster, User } from "./kubeconfig-file.ts";
import { keyPairProblem } from "./tls-options.ts";

/**
 * Creates credentials that a plugin provides, such as kubelogin. Concurrent requests share one run of
 * the plugin. It runs again after its credentials expire, and after the API server rejects them. After
 * a failure it does not run again for a while, because each run may open a browser.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 * @throws CannotRun if a field of the plugin is missing or invalid.
 */
export function pluginCredentials(user: User, cluster: Cluster, host: PluginHost): Credentials {
  const plugin = readPlugin(user, cluster);
  // A plugin that knows the cluster may print other credentials for another one.
  const key = JSON.stringify(
    plugin.cluster === undefined ? [user.name] : [user.name, cluster.name],
  );
  const credentials = host.shared?.get(key) ?? createSource(plugin, host);
  host.shared?.set(key, credentials);
  return credentials;
}

function createSource(plugin: Plugin, host: PluginHost): Credentials {
  let cached: { readonly credential: Credential; readonly expires: number } | undefined;
  let running: Promise<Credential> | undefined;
  let failure: { readonly error: unknown; readonly until: number } | undefined;

  function run(): Promise<Credential> {
    if (failure !== undefined && host.now() < failure.until) return Promise.reject(failure.error);
    running ??= runPlugin(plugin, host)
      .then((printed) => {
        cached = printed;
        return printed.credential;
      })
      .catch((error: unknown) => {
        failure = { error, until: host.now() + FAILURE_PAUSE };
        throw error;
      })
      .finally(() => {
        running = undefined;
      });
    return running;
  }

  const current = () =>
    cached !== undefined && host.now() <= cached.expires
      ? Promise.resolve(cached.credential)
      : run();
  return { current, renew: (rejected) => (cached?.credential === rejected ? run() : current()) };
}

/** Milliseconds without another run after a failure. */
const FAILURE_PAUSE = 60_000;

/** Takes the login of the Azure CLI, which needs neither a browser nor a terminal. */
const AZURE_CLI_LOGIN = kubelogin("convert-kubeconfig", "-l", "azurecli");

async function runPlugin(plugin: Plugin, host: PluginHost) {
  const { env, terminal, pauseProgress, unattended, ended = unattended, onMessage } = host;
  const { apiVersion, cluster, command, args, mode } = plugin;
  if (mode === "Always" && !terminal) {
    throw new CannotRun(
      `the credential plugin ${command} needs a terminal (interactiveMode Always), and there is none`,
      sentence`run the command in a terminal, or use another login, for example: ${AZURE_CLI_LOGIN}`,
      { code: "unauthorized" },
    );
  }
  const interactive = mode !== "Never" && terminal;
  const request = { kind: "ExecCredential", apiVersion, spec: { cluster, interactive } };
  const resumeProgress = await pauseProgress({ user: plugin.user, interactive });
  // The lines of several plugins would mix.
  const isPiped = onMessage !== undefined && !interactive && unattended === undefined;
  const child = spawn(command, [...args], {
    env: { ...env, ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(request) },
    stdio: [
      interactive ? "inherit" : "ignore",
      "pipe",
      // Prompts and errors of the plugin are for the user.
      isPiped ? "pipe" : unattended ? "ignore" : "inherit",
    ],
  });
  const end = () => {
    child.kill();
    // A process that the plugin has started may keep these open.
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  if (ended?.aborted === true) end();
  ended?.addEventListener("abort", end);
  if (isPiped && child.stderr !== null) {
    createInterface({ input: child.stderr }).on("line", onMessage);
  }
  let printed = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const status = await new Promise<number | string>((resolve, reject) => {
    child.on("error", (cause) => reject(cannotStart(plugin, cause)));
    child.on("close", (code, signal) => resolve(code ?? signal ?? 1));
  }).finally(() => {
    ended?.removeEventListener("abort", end);
    resumeProgress();
  });
  if (status !== 0) throw failed(plugin, status);
  return credentialIn(printed, plugin);
}

function cannotStart(plugin: Plugin, cause: NodeJS.ErrnoException): CannotRun {
  const { command, user, installHint } = plugin;
  const named = `the credential plugin ${command} of the user "${user}"`;
  const known =
    basename(command) === "kubelogin"
      ? sentence`install it: ${az("aks", "install-cli")}`
      : undefined;
  if (cause.code === "ENOENT") {
    const hint = installHint ?? known ?? "install it, or add it to the PATH";
    return new CannotRun(`${named} is not installed`, hint, { cause, code: "unauthorized" });
  }
  const hint = "check that it is a program and that you may run it";
  return new CannotRun(`${named} cannot be run: ${cause.message}`, hint, {
    cause,
    code: "unauthorized",
  });
}

function failed({ command }: Plugin, status: number | string): CannotRun {
  const how = typeof status === "number" ? `failed with exit code ${status}` : `ended by ${status}`;
  const hint =
    basename(command) === "kubelogin"
      ? sentence`see its output above; without a browser or a terminal: ${AZURE_CLI_LOGIN}`
      : "see its output above";
  return new CannotRun(`the credential plugin ${command} ${how}`, hint, { code: "unauthorized" });
}

/**
 * Reads the credentials that a plugin printed.
 *
 * @throws CannotRun if the output is not an ExecCredential with credentials.
 */
function credentialIn(text: string, { command, apiVersion }: Plugin) {
  const wrong = (what: string) =>
    new CannotRun(
      `the credential plugin ${command} printed ${what}`,
      sentence`compare with: ${kubectl("get", "--raw", "/readyz")}`,
      { code: "unauthorized" },
    );
  const printed = parseObject(text);
  if (printed?.["kind"] !== "ExecCredential") throw wrong("no ExecCredential");
  const version = textIn(printed, "apiVersion");
  if (version !== apiVersion) {
    throw wrong(`an ExecCredential of ${version ?? "no version"} instead of ${apiVersion}`);
  }
  const status = isObject(printed["status"]) ? printed["status"] : {};
  const token = textIn(status, "token");
  const cert = textIn(status, "clientCertificateData");
  const key = textIn(status, "clientKeyData");
  if (!token && !cert && !key) throw wrong("neither a token nor a certificate");
  if (!cert !== !key) {
    throw wrong("a certificate without its key, or a key without its certificate");
  }
  const problem = cert && key ? keyPairProblem(cert, key) : undefined;
  if (problem !== undefined) throw wrong(`a client certificate that cannot be used: ${problem}`);
  const time = textIn(status, "expirationTimestamp");
  const expires = time ? Date.parse(time) : Infinity;
  if (Number.isNaN(expires)) {
    throw wrong(`an invalid expirationTimestamp: "${time}"`);
  }
  const credential: Credential = {
    ...(token ? { authorization: `Bearer ${token}` } : {}),
    ...(cert && key ? { cert, key } : {}),
  };
  return { credential, expires };
}

function textIn(object: Readonly<Record<string, unknown>>, field: string): string | undefined {
  const value = object[field];
  return typeof value === "string" ? value : undefined;
}
