import type { LabelFields, WorkloadEntry } from "./document.ts";
import { workloadPath } from "./events.ts";
import { plain } from "./plain.ts";

/**
 * Returns the headings of label columns as kubectl writes them: `TEAM` for `example.com/team`. Keys that
 * would share a heading are whole.
 */
export function labelHead(keys: readonly string[] = []): readonly string[] {
  const names = keys.map(shortKey);
  return names.map((name, index) =>
    names.filter((other) => other === name).length > 1 ? (keys[index] ?? "").toUpperCase() : name,
  );
}

/** Returns the heading of one key: `TEAM` for `example.com/team`. */
export function shortKey(key: string): string {
  return plain(key.split("/").at(-1) ?? "").toUpperCase();
}

/** Returns the cells of label columns; a label that is missing is a dash. */
export function labelCells(
  { labels = {} }: Pick<LabelFields, "labels">,
  keys: readonly string[] = [],
): readonly string[] {
  return keys.map((key) => labelCell(labels, key));
}

function labelCell(labels: Readonly<Record<string, string>>, key: string): string {
  return (Object.hasOwn(labels, key) && plain(labels[key] ?? "")) || "-";
}

/** Names a workload with its labels: `pay/deploy/web (payments)`. */
export function labelledPath(
  entry: Pick<WorkloadEntry, "namespace" | "kind" | "name" | "labels">,
  keys: readonly string[] = [],
): string {
  const values = labelCells(entry, keys).filter((value) => value !== "-");
  return values.length === 0
    ? workloadPath(entry)
    : `${workloadPath(entry)} (${values.join(", ")})`;
}
