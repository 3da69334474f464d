import { DRIFT_KINDS } from "../mesh/drift.ts";
import { count, listing } from "../wording.ts";
import type { DriftEntry, Report, WorkloadEntry } from "./document.ts";
import { workloadPath } from "./events.ts";

/** A change that a restart brings to some workloads besides the image of their sidecars. */
export interface DriftGroup extends Omit<DriftEntry, "path"> {
  /** The path; containers with different names are `[*]`. */
  readonly path: string;
  /** `shop/deploy/web`, for example. */
  readonly workloads: readonly string[];
}

type Drifting = Pick<WorkloadEntry, "namespace" | "kind" | "name" | "change"> & {
  readonly drift?: readonly DriftEntry[] | null;
};

/** Returns the changes besides the image of an outdated sidecar, which is the aim of a restart. */
function otherChanges({ drift, change }: Omit<Drifting, "namespace" | "kind" | "name">) {
  return (drift ?? []).filter(({ what }) => what !== "proxy-image" || change === "none");
}

/** Groups the other changes of a report's workloads: of those in the plan, if it has one. */
export function driftGroups(report: Report): readonly DriftGroup[] {
  const groups = new Map<
    string,
    { entry: DriftEntry; paths: Set<string>; workloads: Set<string> }
  >();
  for (const workload of driftingOf(report)) {
    for (const entry of otherChanges(workload)) {
      const { what, from, to } = entry;
      const key = JSON.stringify([what, anyContainer(entry), from, to]);
      const group = groups.get(key) ?? { entry, paths: new Set(), workloads: new Set() };
      groups.set(key, group);
      group.paths.add(entry.path);
      group.workloads.add(workloadPath(workload));
    }
  }
  return [...groups.values()]
    .map(({ entry, paths, workloads }) => ({
      ...entry,
      path: paths.size === 1 ? entry.path : anyContainer(entry),
      workloads: [...workloads],
    }))
    .sort((a, b) => DRIFT_KINDS.indexOf(a.what) - DRIFT_KINDS.indexOf(b.what));
}

function driftingOf(report: Report): readonly Drifting[] {
  if (report.kind !== "RestartReport") return report.workloads;
  if (report.dryRun !== null) return report.steps;
  const restarted = report.results.filter(({ outcome }) => outcome === "restarted");
  const done = new Set(restarted.map(workloadPath));
  return report.steps.filter((step) => done.has(workloadPath(step)));
}

/** Each application has names of its own for its containers. */
function anyContainer({ path, what }: DriftEntry): string {
  return what === "application" || what === "other-webhook"
    ? path.replace(/^(spec\.(?:initC|c)ontainers)\[[^\]]*\]/, "$1[*]")
    : path;
}

/** Returns the heading of the changes: a restart that was carried out is in the past. */
export function driftTitle(report: Report): string {
  const isDone = report.kind === "RestartReport" && report.dryRun === null;
  return isDone ? "The restart also changed" : "A restart would also change";
}

/** `3 workloads` */
export function driftingText(groups: readonly DriftGroup[]): string {
  return count(new Set(groups.flatMap(({ workloads }) => workloads)).size, "workload");
}

/** `shop/deploy/web, pay/sts/db and 12 more` */
export function exampleText({ workloads }: DriftGroup): string {
  return listing(workloads.slice(0, 3), workloads.length);
}

/** Formats one change: `spec.containers[istio-proxy].resources.requests.cpu: 100m -> 250m`. */
export function driftText({ path, from, to }: Pick<DriftEntry, "path" | "from" | "to">): string {
  return from === null && to === null ? path : `${path}: ${from ?? "-"} -> ${to ?? "-"}`;
}
