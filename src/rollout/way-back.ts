import { INJECTION, REVISION } from "../istio-labels.ts";
import type { Mesh } from "../mesh/mesh.ts";
import { moveTarget, type MoveTarget } from "../mesh/namespace-move.ts";
import { compareRevisions } from "../mesh/revision-order.ts";
import { setTag } from "../mesh/remaining-references.ts";
import { type Command, type Invocation, istioUpgrade, kubectl, sequence } from "../next-step.ts";
import type { StepResult } from "./result.ts";
import type { MovedNamespace } from "./moved-namespace.ts";

/**
 * Returns the command that takes namespaces back to their former labels, and their pods to the former
 * revision.
 *
 * @param flags the flags that the restarts need again.
 * @returns `undefined` if nothing was changed, or if nothing says what was there before.
 */
export function wayBack(
  namespaces: readonly MovedNamespace[],
  results: readonly StepResult[],
  target: MoveTarget,
  mesh: Mesh,
  flags: readonly string[],
): Command | undefined {
  const moves = new Map<string, string[]>();
  const first: Invocation[] = [];
  const tags = new Set<string>();
  for (const { name, change, outcome } of namespaces) {
    const own = results.filter(({ ref }) => ref.namespace === name);
    const isTouched = own.some(({ startedAt }) => startedAt !== undefined);
    if (outcome !== "labelled" && !isTouched) continue;
    const { from, injection, to } = change;
    if (injection !== undefined && from === undefined) {
      // Only the default revision follows this label.
      first.push(
        kubectl("label", "namespace", name, `${INJECTION}=${injection}`, `${REVISION}-`),
        istioUpgrade("restart", "--namespace", name, "--include", "unhealthy"),
      );
      continue;
    }
    const former = formerRevision(own, target);
    const isKnown = from !== undefined && from !== to && moveTarget(from, mesh) !== undefined;
    // A namespace that had its label already followed a tag that was moved, or was labelled before.
    const label = isKnown && leadsElsewhere(from, target, mesh) ? from : former;
    if (label === undefined || moveTarget(label, mesh) === undefined) continue;
    const tag = from !== undefined && label !== from && isTagOf(from, target, mesh);
    if (tag && !tags.has(from)) {
      tags.add(from);
      first.push(setTag(from, label, mesh.istioNamespace));
    }
    moves.set(label, [...(moves.get(label) ?? []), name]);
  }
  const back = [...moves].map(([label, names]) =>
    istioUpgrade("move", ...names, "--to", label, ...flags),
  );
  const all = [...first, ...back];
  return all.length === 0 ? undefined : sequence(all);
}

/**
 * True if the move itself takes namespaces back: each revision that they leave, by their labels or their
 * pods, is newer than that of the move.
 */
export function isMoveBack(
  namespaces: readonly MovedNamespace[],
  results: readonly StepResult[],
  target: MoveTarget,
  mesh: Mesh,
): boolean {
  const left = [
    ...namespaces.flatMap(({ change }) => moveTarget(change.from ?? "", mesh)?.revision ?? []),
    ...results.flatMap(({ from }) => from.flatMap(({ revision }) => revision ?? [])),
  ].filter((revision) => revision !== target.revision);
  return left.length > 0 && left.every((one) => compareRevisions(one, target.revision) > 0);
}

/** The revision that most pods had before their restart, besides the target. */
function formerRevision(results: readonly StepResult[], target: MoveTarget): string | undefined {
  const pods = new Map<string, number>();
  for (const { revision, pods: number } of results.flatMap(({ from }) => from)) {
    if (revision === undefined || revision === target.revision) continue;
    pods.set(revision, (pods.get(revision) ?? 0) + number);
  }
  return [...pods].sort(([, one], [, other]) => other - one)[0]?.[0];
}

function leadsElsewhere(label: string, target: MoveTarget, mesh: Mesh): boolean {
  return moveTarget(label, mesh)?.revision !== target.revision;
}

/** True for a tag that leads to the target. */
function isTagOf(label: string, target: MoveTarget, mesh: Mesh): boolean {
  const found = moveTarget(label, mesh);
  return found?.isTag === true && found.revision === target.revision;
}
