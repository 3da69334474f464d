import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join, resolve } from "node:path";
import { isObject } from "../json-object.ts";
import { CannotRun } from "../errors.ts";
import { parseFirstDocument } from "./go-yaml.ts";
import { kubectl, sentence } from "../next-step.ts";

/** The types of fields. A `path` is relative to the kubeconfig file. */
interface FieldTypes {
  readonly text: string;
  readonly path: string;
  readonly flag: boolean;
  readonly texts: readonly string[];
  readonly any: unknown;
}

const CLUSTER = {
  server: "text",
  "certificate-authority": "path",
  "certificate-authority-data": "text",
  "insecure-skip-tls-verify": "flag",
  "tls-server-name": "text",
  "proxy-url": "text",
  "disable-compression": "flag",
  extensions: "any",
} as const;

const USER = {
  "client-certificate": "path",
  "client-certificate-data": "text",
  "client-key": "path",
  "client-key-data": "text",
  token: "text",
  tokenFile: "path",
  username: "text",
  password: "text",
  as: "text",
  "as-uid": "text",
  "as-groups": "texts",
  "as-user-extra": "any",
  "auth-provider": "any",
  exec: "any",
} as const;

const CONTEXT = { cluster: "text", user: "text", namespace: "text" } as const;

type Fields = Readonly<Record<string, keyof FieldTypes>>;

/** An entry of a kubeconfig. Empty fields are left out, because they have no meaning. */
type Entry<Of extends Fields> = {
  readonly name: string;
  /** The folder of the file that has the entry. */
  readonly folder: string;
} & { readonly [Field in keyof Of]?: FieldTypes[Of[Field]] };

export type Cluster = Entry<typeof CLUSTER>;
export type User = Entry<typeof USER>;
export type Context = Entry<typeof CONTEXT>;

/** The entries of one or several kubeconfig files, by name. */
export interface Kubeconfig {
  readonly currentContext: string | undefined;
  readonly clusters: ReadonlyMap<string, Cluster>;
  readonly users: ReadonlyMap<string, User>;
  readonly contexts: ReadonlyMap<string, Context>;
}

/**
 * Reads one kubeconfig file and makes the paths in it absolute.
 *
 * @throws CannotRun if the file is not a valid kubeconfig.
 */
export function readKubeconfig(file: string): Kubeconfig {
  try {
    return parseKubeconfig(
      parseFirstDocument(decode(readFileSync(file))) ?? {},
      dirname(resolve(file)),
    );
  } catch (cause) {
    const message = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new CannotRun(
      `the kubeconfig file ${file} cannot be read: ${message}`,
      sentence`compare with: ${kubectl("config", "view")}`,
      { cause },
    );
  }
}

/** Merges kubeconfigs as kubectl does: the first entry of a name is used, as a whole. */
export function mergeKubeconfigs(parts: readonly Kubeconfig[]): Kubeconfig {
  const last = parts.toReversed();
  return {
    currentContext: parts.flatMap(({ currentContext }) => currentContext ?? [])[0],
    clusters: new Map(last.flatMap(({ clusters }) => [...clusters])),
    users: new Map(last.flatMap(({ users }) => [...users])),
    contexts: new Map(last.flatMap(({ contexts }) => [...contexts])),
  };
}

/** Decodes a file. PowerShell's `>` writes UTF-16 with a byte order mark. */
function decode(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.toString("utf16le", 2);
  return bytes.toString("utf8");
}

function parseKubeconfig(value: unknown, folder: string): Kubeconfig {
  if (!isObject(value)) throw new Error("it is not an object");
  const { kind = "Config", apiVersion = "v1" } = value;
  if (kind !== "Config" || apiVersion !== "v1") {
    throw new Error(`it is a ${String(apiVersion)} ${String(kind)}, not a v1 Config`);
  }
  return {
    currentContext: readField(value["current-context"], "text", "current-context", folder),
    clusters: readEntries(value["clusters"], "cluster", CLUSTER, folder),
    users: readEntries(value["users"], "user", USER, folder),
    contexts: readEntries(value["contexts"], "context", CONTEXT, folder),
  };
}

function readEntries<Of extends Fields>(
  list: unknown,
  noun: string,
  fields: Of,
  folder: string,
): ReadonlyMap<string, Entry<Of>> {
  if (!Array.isArray(list ?? [])) throw new Error(`${noun}s must be a list`);
  const found = new Map<string, Entry<Of>>();
  for (const item of (list ?? []) as readonly unknown[]) {
    const named = isObject(item) ? item : {};
    const name = readField(named["name"], "text", `the name of a ${noun}`, folder) ?? "";
    if (found.has(name)) throw new Error(`it has the ${noun} "${name}" twice`);
    const values = named[noun] ?? {};
    if (!isObject(values)) throw new Error(`the ${noun} "${name}" must be an object`);
    const known = Object.entries(fields).flatMap(([field, kind]) => {
      const value = readField(values[field], kind, `${field} of the ${noun} "${name}"`, folder);
      return value === undefined ? [] : [[field, value] as const];
    });
    found.set(name, { name, folder, ...Object.fromEntries(known) } as Entry<Of>);
  }
  return found;
}

const CHECKS: Readonly<Record<keyof FieldTypes, (value: unknown) => boolean>> = {
  text: (value) => typeof value === "string",
  path: (value) => typeof value === "string",
  flag: (value) => typeof value === "boolean",
  texts: isStringList,
  any: () => true,
};

const PROBLEMS: Readonly<Record<keyof FieldTypes, string>> = {
  text: "must be a string",
  path: "must be a string",
  flag: "must be true or false",
  texts: "must be a list of strings",
  any: "",
};

function readField<Kind extends keyof FieldTypes>(
  value: unknown,
  kind: Kind,
  what: string,
  folder: string,
): FieldTypes[Kind] | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (!CHECKS[kind](value)) throw new Error(`${what} ${PROBLEMS[kind]}`);
  return (kind === "path" ? absolutePath(value as string, folder) : value) as FieldTypes[Kind];
}

export function absolutePath(path: string, folder: string): string {
  return isAbsolute(path) ? path : join(folder, path);
}

export function isStringList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === "string");
}
