import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";

/**
 * The users with full permissions. Only `admin` (the tests, and a person with the kubeconfig) is in
 * the audit log; requests of the bed and its components would hide what tests look for.
 */
const USERS = [
  "admin",
  "bed",
  "controller-manager",
  "scheduler",
  "kwok",
  "istiod",
  "argo",
] as const;

/** The bearer tokens by user. */
export type Identities = Readonly<Record<(typeof USERS)[number], string>>;

export const SILENT_USERS: readonly string[] = USERS.filter((user) => user !== "admin").map(
  userName,
);

/** Writes the API server's token file. */
export async function writeIdentities(path: string): Promise<Identities> {
  const entries = USERS.map((user) => [user, randomBytes(16).toString("hex")] as const);
  const lines = entries.map(
    ([user, token]) => `${token},${userName(user)},${user},"system:masters"\n`,
  );
  await writeFile(path, lines.join(""), { mode: 0o600 });
  return Object.fromEntries(entries) as Identities;
}

function userName(user: (typeof USERS)[number]): string {
  return `testbed:${user}`;
}
