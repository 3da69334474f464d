import { moveTarget } from "../../mesh/namespace-move.ts";
import {
  findingAgainstMove,
  refusedNamespace,
  templateNote,
} from "../../rollout/moved-namespace.ts";
import type { ScopeAssessment } from "../assess-scope.ts";
import type { Session } from "../session.ts";
import type { NamespaceMoves } from "./namespace-moves.ts";

/** Adds the note about pod templates that name a revision themselves. */
export function noteTemplates(
  { notes }: Pick<Session, "notes">,
  { target, names }: Pick<NamespaceMoves, "target" | "names">,
  { workloads, mesh }: Pick<ScopeAssessment, "workloads" | "mesh">,
): void {
  const moved = workloads.filter(({ namespace }) => names.includes(namespace));
  const leadsTo = (label: string) => moveTarget(label, mesh)?.revision;
  const note = templateNote({ workloads: moved }, target.revision, leadsTo);
  if (note !== undefined) notes.add(note);
}

/** True if something is against the move, the control plane, a namespace, or a workload. */
export function isMoveRefused(
  moves: NamespaceMoves,
  { assessments, gaps }: Pick<ScopeAssessment, "assessments" | "gaps">,
): boolean {
  for (const namespace of moves.all()) {
    if (namespace.outcome !== "planned") continue;
    const own = assessments.filter(({ workload }) => workload.namespace === namespace.name);
    const finding = findingAgainstMove(namespace.name, own, gaps);
    if (finding !== undefined) moves.set(refusedNamespace(namespace, finding));
  }
  // Nothing has been labelled yet.
  return moves.all().some(({ outcome }) => outcome === "refused" || outcome === "not-labelled");
}
