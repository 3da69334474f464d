import type { MovedNamespaceEntry } from "./document.ts";
import { plain } from "./plain.ts";

/** The headings of a table of the namespaces of a move, which all formats share. */
export const NAMESPACE_HEAD = ["Namespace", "From", "To", "Label", "Pods"] as const;

/** Formats the cells of one namespace: `shop asm-1-27 asm-1-28 labelled 3 on asm-1-28`. */
export function namespaceCells(entry: MovedNamespaceEntry): readonly string[] {
  const { name, from, injection, to, outcome, pods } = entry;
  const former = [
    ...(from === null ? [] : [from]),
    ...(injection === null ? [] : [`istio-injection=${injection}`]),
  ];
  const counts = Object.entries(pods).map(([revision, number]) => `${number} on ${revision}`);
  return [
    plain(name),
    plain(former.join(", ")) || "-",
    plain(to),
    outcome,
    plain(counts.join(", ")) || "-",
  ];
}
