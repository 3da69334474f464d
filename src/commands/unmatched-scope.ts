import type { Assessment } from "../mesh/assessment.ts";
import type { Mesh } from "../mesh/mesh.ts";
import type { Exclude, ScopeSettings } from "../scope.ts";
import { shellWord } from "../shell-word.ts";
import type { Workload } from "../snapshot.ts";

/** What of the scope has matched nothing so far. */
export interface UnmatchedScope {
  /** @param assessment `undefined` for a workload that is not reported on. */
  see(workload: Workload, assessment: Assessment | undefined): void;
  /** As notes, once everything was seen. */
  notes(mesh: Mesh): readonly string[];
}

/**
 * What of the scope matches nothing: most likely it was mistyped, and what was to be left out would
 * be restarted, or what was to be looked at seem to be all right.
 */
export function createUnmatchedScope({
  excludes,
  revision,
  selector,
}: ScopeSettings): UnmatchedScope {
  const idle = new Set(excludes);
  let isIdleRevision = revision !== undefined;
  let isIdleSelector = selector !== undefined;
  return {
    see: (workload, assessment) => {
      isIdleSelector = false;
      for (const exclude of idle) if (isExcluded(workload, exclude)) idle.delete(exclude);
      if (assessment !== undefined) isIdleRevision = false;
    },
    notes: (mesh) => [
      ...[...idle].map(
        ({ text }) => `${text} leaves nothing out: there is no such workload in scope`,
      ),
      ...(isIdleSelector && selector ? [`nothing in scope has ${labelsOf(selector)}`] : []),
      ...(isIdleRevision && revision !== undefined ? [idleRevision(revision, mesh)] : []),
    ],
  };
}

/** What was asked for, as it was given. */
export function labelsOf({ text }: NonNullable<ScopeSettings["selector"]>): string {
  return `labels that --selector ${shellWord(text)} asks for`;
}

function idleRevision(given: string, { revisions }: Mesh): string {
  const tagged = [...revisions.values()].find(({ tags }) => tags.includes(given));
  if (tagged) return `${given} is a tag: what it stands for now is --revision ${tagged.name}`;
  const is = revisions.has(given) ? "is installed" : "is not installed";
  return `nothing in scope runs the revision ${given}, or would get it; it ${is}`;
}

export function isExcluded(workload: Workload, { namespace, kind, name }: Exclude): boolean {
  const matches = (asked: string | undefined, value: string) =>
    asked === undefined || asked === value;
  return (
    matches(namespace, workload.namespace) &&
    matches(kind, workload.kind) &&
    matches(name, workload.name)
  );
}
