import type { WorkloadEntry } from "./document.ts";

/** What a restart by this tool would not mend: somebody has to look. */
export function needsPerson({ verdict, restart }: WorkloadEntry): boolean {
  switch (verdict) {
    case "unknown":
    case "would-lose":
    case "blocked":
      return true;
    case "outdated":
    case "missing":
      return restart !== "yes" || verdict === "missing";
    default:
      return false;
  }
}

/** What keeps a restart back, or else what the verdict comes from. */
export function whyNot({ restartReason, reason }: WorkloadEntry): string {
  return restartReason || reason;
}
