import { listing } from "../wording.ts";
import type { WorkloadEntry } from "./document.ts";
import { workloadPath } from "./events.ts";

/** A warning and the workloads that it is about. */
export interface WarningGroup {
  readonly message: string;
  /** `shop/deploy/web, pay/sts/db and 12 more` */
  readonly workloads: string;
}

const MOST_EXAMPLES = 3;

/**
 * Groups warnings by their message: a cluster may have thousands of workloads with the same one.
 *
 * @param most the number of workloads to name.
 */
export function warningGroups(
  workloads: readonly Pick<WorkloadEntry, "namespace" | "kind" | "name" | "warnings">[],
  most = MOST_EXAMPLES,
): readonly WarningGroup[] {
  const byMessage = new Map<string, string[]>();
  for (const entry of workloads) {
    for (const { message } of entry.warnings) {
      const paths = byMessage.get(message);
      if (paths === undefined) byMessage.set(message, [workloadPath(entry)]);
      else paths.push(workloadPath(entry));
    }
  }
  return [...byMessage].map(([message, paths]) => ({
    message,
    workloads: listing(paths.slice(0, most), paths.length),
  }));
}
