import type { Assessment } from "../mesh/assess.ts";
import type { Mesh } from "../mesh/mesh.ts";
import type { Exclude, ScopeSettings } from "../scope.ts";
import type { Workload } from "../snapshot.ts";

/**
 * What of the scope matched nothing, as notes: most likely it was mistyped, and what was to be left
 * out would be restarted, or what was to be looked at seem to be all right.
 *
 * @param assessments of what is left of the workloads.
 */
export function idleScope(
  { excludes, revision }: ScopeSettings,
  workloads: readonly Workload[],
  assessments: readonly Assessment[],
  mesh: Mesh,
): readonly string[] {
  const idle = excludes
    .filter((exclude) => !workloads.some((workload) => isExcluded(workload, exclude)))
    .map(({ text }) => `${text} leaves nothing out: there is no such workload in scope`);
  const isIdle = revision !== undefined && assessments.length === 0;
  return isIdle ? [...idle, idleRevision(revision, mesh)] : idle;
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
