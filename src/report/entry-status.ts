import type { WorkloadEntry } from "./document.ts";

/** True if `istio-upgrade restart` fixes the workload, without further flags. */
export function isRestartable({ verdict, restart }: WorkloadEntry): boolean {
  return verdict === "outdated" && restart === "yes";
}

/** True if a restart by this tool would not fix the workload, so that a person has to decide. */
export function needsPerson({ verdict, restart }: WorkloadEntry): boolean {
  switch (verdict) {
    case "unknown":
    case "would-lose":
    case "blocked":
    case "missing":
      return true;
    case "outdated":
      return restart !== "yes";
    default:
      return false;
  }
}

/** True if the workload has a sidecar, or should have one, and a live pod is not ready. */
export function isUnready({ running, verdict }: WorkloadEntry): boolean {
  return (
    verdict !== "managed" &&
    verdict !== "excluded" &&
    running.some(({ pods, ready }) => ready < pods)
  );
}

/** The reason against a restart, or the reason for the verdict if nothing is against it. */
export function shownReason({ restartReason, reason }: WorkloadEntry): string {
  return restartReason || reason;
}
