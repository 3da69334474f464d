import { isObject } from "../json-object.ts";
import { CannotRun, UsageError } from "../errors.ts";
import { isStringList, type User } from "./kubeconfig-file.ts";

/** Request headers. A list has one header line for each value. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[]>>;

/**
 * Returns the headers that impersonate a user. The flags `--as` and `--as-group` override the fields of
 * the kubeconfig.
 *
 * @throws UsageError or CannotRun for groups, a UID or extra fields without a user.
 */
export function impersonationHeaders(
  user: User | undefined,
  { as, asGroups }: { readonly as: string | undefined; readonly asGroups: readonly string[] },
): RequestHeaders {
  const name = as ?? user?.as;
  const groups = asGroups.length > 0 ? asGroups : (user?.["as-groups"] ?? []);
  const extra = extraOf(user);
  const uid = user?.["as-uid"];
  if (name === undefined) {
    if (asGroups.length > 0) {
      throw new UsageError("--as-group needs --as", "add --as USER");
    }
    if (groups.length > 0 || uid !== undefined || Object.keys(extra).length > 0) {
      throw new CannotRun(
        `the user "${user?.name}" has groups to impersonate, but no user (as)`,
        "correct the kubeconfig, or add --as USER",
      );
    }
    return {};
  }
  return {
    "Impersonate-User": utf8(name),
    ...(uid === undefined ? {} : { "Impersonate-Uid": utf8(uid) }),
    ...(groups.length === 0 ? {} : { "Impersonate-Group": groups.map(utf8) }),
    ...extra,
  };
}

function extraOf(user: User | undefined): Readonly<Record<string, readonly string[]>> {
  const extra = user?.["as-user-extra"] ?? {};
  const entries = isObject(extra) ? Object.entries(extra) : [["", undefined] as const];
  return Object.fromEntries(
    entries.map(([key, values]) => {
      if (isStringList(values)) return [`Impersonate-Extra-${escapeKey(key)}`, values.map(utf8)];
      throw new CannotRun(
        `as-user-extra of the user "${user?.name}" must be an object with lists of strings`,
        "correct the kubeconfig",
      );
    }),
  );
}

/** Percent-encodes the characters that a header name must not contain, and the percent sign. */
function escapeKey(key: string): string {
  return [...Buffer.from(key)]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      if (/[\w!#$&'*+.^`|~-]/.test(letter)) return letter;
      return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

/** Encodes a header value in UTF-8: Node sends each character of a header as one byte. */
function utf8(text: string): string {
  return Buffer.from(text).toString("latin1");
}
