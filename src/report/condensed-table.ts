import type { Table } from "./columns.ts";

/** The columns of a change, which many workloads share. */
const SHARED = ["FROM", "TO", "CHANGE"] as const;

/**
 * Returns a table with a row for each change instead of each workload: the versions, the numbers of
 * workloads and pods.
 *
 * @param below the way to see each workload; absent if there is none.
 */
export function condensedTable({ title, head, rows }: Table, below?: string): Table {
  const at = (name: string) => head.indexOf(name);
  const changes = new Map<
    string,
    { readonly cells: readonly string[]; pods: number; names: Set<string> }
  >();
  for (const row of rows) {
    const cells = SHARED.map((name) => row[at(name)] ?? "");
    const key = JSON.stringify(cells);
    const change = changes.get(key) ?? { cells, pods: 0, names: new Set<string>() };
    changes.set(key, change);
    change.pods += Number(row[at("PODS")]);
    change.names.add(JSON.stringify([row[at("NAMESPACE")], row[at("WORKLOAD")]]));
  }
  return {
    title,
    head: [...SHARED, "WORKLOADS", "PODS"],
    rows: [...changes.values()].map(({ cells, pods, names }) => [
      ...cells,
      String(names.size),
      String(pods),
    ]),
    ...(below !== undefined && { below }),
  };
}
