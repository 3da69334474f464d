import { isObject } from "../json-object.ts";
import { CannotRun, UsageError } from "../errors.ts";
import { isTexts, type User } from "./kubeconfig-file.ts";

/** Request headers, one line for each value of a list. */
export type Headers = Readonly<Record<string, string | readonly string[]>>;

/**
 * Whom to act as: the flags, over what the kubeconfig says of its user.
 *
 * @throws UsageError or CannotRun for groups, a uid or extras without a user to go with.
 */
export function impersonationHeaders(
  user: User | undefined,
  { as, asGroups }: { readonly as: string | undefined; readonly asGroups: readonly string[] },
): Headers {
  const name = as ?? user?.as;
  const groups = asGroups.length > 0 ? asGroups : (user?.["as-groups"] ?? []);
  const extra = extraOf(user);
  const uid = user?.["as-uid"];
  if (name === undefined) {
    if (asGroups.length > 0) {
      throw new UsageError("--as-group needs --as", "say whom to act as: --as USER");
    }
    if (groups.length > 0 || uid !== undefined || Object.keys(extra).length > 0) {
      throw new CannotRun(
        `the user "${user?.name}" has groups to impersonate, but no user (as)`,
        "correct the kubeconfig, or say whom to act as: --as USER",
      );
    }
    return {};
  }
  return {
    "Impersonate-User": bytes(name),
    ...(uid === undefined ? {} : { "Impersonate-Uid": bytes(uid) }),
    ...(groups.length === 0 ? {} : { "Impersonate-Group": groups.map(bytes) }),
    ...extra,
  };
}

function extraOf(user: User | undefined): Readonly<Record<string, readonly string[]>> {
  const extra = user?.["as-user-extra"] ?? {};
  const entries = isObject(extra) ? Object.entries(extra) : [["", undefined] as const];
  return Object.fromEntries(
    entries.map(([key, values]) => {
      if (isTexts(values)) return [`Impersonate-Extra-${escapeKey(key)}`, values.map(bytes)];
      throw new CannotRun(
        `as-user-extra of the user "${user?.name}" is no object with lists of texts`,
        "correct the kubeconfig",
      );
    }),
  );
}

/** What a header's name cannot have, and the percent sign itself, in percent codes. */
function escapeKey(key: string): string {
  return [...Buffer.from(key)]
    .map((byte) => {
      const letter = String.fromCharCode(byte);
      if (/[\w!#$&'*+.^`|~-]/.test(letter)) return letter;
      return `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

/** Headers are bytes, and names in UTF-8. */
function bytes(text: string): string {
  return Buffer.from(text).toString("latin1");
}
