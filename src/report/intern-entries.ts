import type { WorkloadEntry } from "./document.ts";

const NONE: WorkloadEntry["warnings"] = [];

/**
 * Creates a function that replaces equal parts of entries by one shared value. All entries of a
 * report are in memory, and thousands may have the same reason and target.
 *
 * @param withPodNames false drops the pod names, which only JSON shows.
 */
export function createEntryInterner(
  withPodNames: boolean,
): (entry: WorkloadEntry) => WorkloadEntry {
  const reasons = new Map<string, string>();
  const targets = new Map<string, WorkloadEntry["target"]>();
  return (entry) => {
    const target = JSON.stringify(entry.target);
    return {
      ...entry,
      reason: shared(reasons, entry.reason, entry.reason),
      target: shared(targets, target, entry.target),
      warnings: entry.warnings.length === 0 ? NONE : entry.warnings,
      running: withPodNames
        ? entry.running
        : entry.running.map(({ podNames: _names, ...running }) => running),
    };
  };
}

function shared<Value>(known: Map<string, Value>, key: string, value: Value): Value {
  const before = known.get(key);
  if (before !== undefined) return before;
  known.set(key, value);
  return value;
}
