import { readFile, writeFile } from "node:fs/promises";
import { parse } from "yaml";

/** A context of a fleet: a kubeconfig of one cluster, and what differs from it. */
export interface Member {
  readonly kubeconfig: string;
  /** Another address of the API server. */
  readonly server?: string;
  /** The whole entry of another user. */
  readonly user?: object;
  /** The name of the user's entry; that of the context by default. */
  readonly userName?: string;
}

interface Config {
  readonly clusters: readonly [{ readonly cluster: { readonly server: string } }];
  readonly users: readonly [{ readonly user: object }];
}

/** Writes a kubeconfig with one context for each member, by name. Its current context is the first. */
export async function writeFleetKubeconfig(
  file: string,
  members: Readonly<Record<string, Member>>,
): Promise<void> {
  const clusters: object[] = [];
  const users = new Map<string, object>();
  const contexts: object[] = [];
  for (const [name, member] of Object.entries(members)) {
    const config = parse(await readFile(member.kubeconfig, "utf8")) as Config;
    const { cluster } = config.clusters[0];
    const userName = member.userName ?? name;
    clusters.push({
      name,
      cluster: { ...cluster, ...(member.server && { server: member.server }) },
    });
    users.set(userName, member.user ?? config.users[0].user);
    contexts.push({ name, context: { cluster: name, user: userName } });
  }
  const content = {
    apiVersion: "v1",
    kind: "Config",
    clusters,
    users: [...users].map(([name, user]) => ({ name, user })),
    contexts,
    "current-context": Object.keys(members)[0],
  };
  await writeFile(file, JSON.stringify(content), { mode: 0o600 });
}
