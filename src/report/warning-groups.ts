import { listing } from "../listing.ts";
import type { WorkloadEntry } from "./document.ts";
import { placeOf } from "./events.ts";

/** What is to be known about several workloads alike. */
export interface WarningGroup {
  readonly message: string;
  /** `shop/deploy/web, pay/sts/db and 12 more` */
  readonly places: string;
}

const MOST_EXAMPLES = 3;

/** One for each kind of warning: a cluster may have thousands of one. */
export function warningGroups(
  workloads: readonly Pick<WorkloadEntry, "namespace" | "kind" | "name" | "warnings">[],
): readonly WarningGroup[] {
  const byMessage = new Map<string, string[]>();
  for (const entry of workloads) {
    for (const { message } of entry.warnings) {
      const places = byMessage.get(message);
      if (places === undefined) byMessage.set(message, [placeOf(entry)]);
      else places.push(placeOf(entry));
    }
  }
  return [...byMessage].map(([message, places]) => ({
    message,
    places: listing(places.slice(0, MOST_EXAMPLES), places.length),
  }));
}
