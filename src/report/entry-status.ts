import type { RunningEntry, WorkloadEntry } from "./document.ts";

/** True if `istio-upgrade restart` fixes the workload, without further flags. */
export function isRestartable({ verdict, restart }: WorkloadEntry): boolean {
  return verdict === "outdated" && restart === "yes";
}

/**
 * True if a restart by this tool would not fix the workload, so that a person has to decide, and the
 * decision is due.
 */
export function needsPerson({ verdict, restart, withinMaxAge }: WorkloadEntry): boolean {
  switch (verdict) {
    case "unknown":
    case "would-lose":
    case "blocked":
    case "missing":
      return true;
    case "outdated":
      return restart !== "yes" && withinMaxAge === undefined;
    default:
      return false;
  }
}

/**
 * True if the workload has a sidecar, or should have one, and fewer of its pods are ready than it
 * has, or asks for. A pod that cannot end, for example on a dead node, keeps its DaemonSet or
 * StatefulSet from creating another one.
 */
export function isUnready(entry: WorkloadEntry): boolean {
  const { verdict, running } = entry;
  const { ready, pods } = readiness(entry);
  return verdict !== "managed" && verdict !== "excluded" && running.length > 0 && ready < pods;
}

/** The number of ready pods, and the number of pods that should be ready. */
export function readiness({ running, wanted }: Pick<WorkloadEntry, "running" | "wanted">) {
  const sum = (of: (group: RunningEntry) => number) =>
    running.reduce((total, group) => total + of(group), 0);
  return {
    ready: sum(({ ready }) => ready),
    pods: Math.max(
      sum(({ pods }) => pods),
      wanted ?? 0,
    ),
  };
}

/** The reason against a restart, or the reason for the verdict if nothing is against it. */
export function shownReason({ restartReason, reason }: WorkloadEntry): string {
  return restartReason || reason;
}
