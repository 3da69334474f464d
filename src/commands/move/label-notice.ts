import type { NamespaceMoves } from "./namespace-moves.ts";

/** The names of the namespaces whose labels are still to be set. */
export function pendingNames(
  moves: Pick<NamespaceMoves, "names" | "isPending">,
): readonly string[] {
  return moves.names.filter((name) => moves.isPending(name));
}

/** Says what a label does besides the restarts. */
export function labelNotice(moves: Pick<NamespaceMoves, "names" | "isPending" | "target">): string {
  const names = pendingNames(moves);
  const where = names.length === 1 ? `namespace ${names[0]}` : `each of ${names.join(", ")}`;
  return `From the moment that ${where} has its label, every new pod there is of ${moves.target.revision}, also after an eviction or by an autoscaler. A namespace gets its label just before its first restart.`;
}
