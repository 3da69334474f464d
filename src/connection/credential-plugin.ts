import { isObject } from "../json-object.ts";
import { CannotRun } from "../errors.ts";
import { absolutePath, type Cluster, isStringList, type User } from "./kubeconfig-file.ts";
import { readAuthority } from "./tls-options.ts";

const GROUP = "client.authentication.k8s.io";
const VERSIONS = [`${GROUP}/v1`, `${GROUP}/v1beta1`] as const;
const MODES = ["Never", "IfAvailable", "Always"] as const;

/** The credential plugin of a user: its `exec` field in the kubeconfig. */
export interface Plugin {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly apiVersion: string;
  readonly mode: (typeof MODES)[number];
  readonly installHint: string | undefined;
  /** The cluster to describe to the plugin, if the kubeconfig sets `provideClusterInfo`. */
  readonly cluster: object | undefined;
  /** The name of the user whose credentials the plugin provides. */
  readonly user: string;
}

/**
 * Reads the credential plugin of a user.
 *
 * @throws CannotRun if a field is missing or invalid.
 */
export function readPlugin(user: User, cluster: Cluster): Plugin {
  const whose = `the credential plugin of the user "${user.name}"`;
  const wrong = (what: string) => new CannotRun(`${whose} ${what}`, "correct the kubeconfig");
  const { exec } = user;
  if (!isObject(exec)) throw wrong("must be an object");
  const { command, args, env, apiVersion, interactiveMode, installHint, provideClusterInfo } = exec;
  if (typeof command !== "string" || command === "") throw wrong("has no command");
  if (!apiVersion) throw wrong("has no apiVersion");
  if (!isOneOf(apiVersion, VERSIONS)) {
    throw wrong(
      `has the apiVersion ${JSON.stringify(apiVersion)}, not one of ${VERSIONS.join(", ")}`,
    );
  }
  if (!isStringList(args ?? [])) throw wrong("has args that are not a list of strings");
  // Only v1beta1 has a default.
  const mode = interactiveMode || (apiVersion === VERSIONS[1] ? "IfAvailable" : undefined);
  if (mode === undefined) throw wrong(`has no interactiveMode: one of ${MODES.join(", ")}`);
  if (!isOneOf(mode, MODES)) {
    throw wrong(`has the interactiveMode ${JSON.stringify(mode)}, not one of ${MODES.join(", ")}`);
  }
  return {
    // A command without a slash is looked up in PATH.
    command: command.includes("/") ? absolutePath(command, user.folder) : command,
    args: (args ?? []) as readonly string[],
    env: environmentOf(env, wrong),
    apiVersion,
    mode,
    installHint: typeof installHint === "string" ? installHint : undefined,
    cluster: provideClusterInfo === true ? clusterInfo(cluster) : undefined,
    user: user.name,
  };
}

function environmentOf(
  env: unknown,
  wrong: (what: string) => CannotRun,
): Readonly<Record<string, string>> {
  const list: readonly unknown[] = Array.isArray(env) ? env : [];
  return Object.fromEntries(
    list.map((item) => {
      const { name, value = "" } = isObject(item) ? item : {};
      if (typeof name === "string" && name !== "" && typeof value === "string")
        return [name, value];
      throw wrong("has an env that is not a list of names and values");
    }),
  );
}

/** Returns the `spec.cluster` of the ExecCredential that a plugin receives. */
function clusterInfo(cluster: Cluster): object {
  const authority = readAuthority(cluster);
  const extensions: readonly unknown[] = Array.isArray(cluster.extensions)
    ? cluster.extensions
    : [];
  const own = extensions.find((one) => isObject(one) && one["name"] === `${GROUP}/exec`);
  return {
    server: cluster.server,
    "tls-server-name": cluster["tls-server-name"],
    "insecure-skip-tls-verify": cluster["insecure-skip-tls-verify"] || undefined,
    "certificate-authority-data": authority && Buffer.from(authority).toString("base64"),
    "proxy-url": cluster["proxy-url"],
    "disable-compression": cluster["disable-compression"] || undefined,
    config: (own as { readonly extension?: unknown } | undefined)?.extension ?? null,
  };
}

function isOneOf<Value>(value: unknown, values: readonly Value[]): value is Value {
  return (values as readonly unknown[]).includes(value);
}
