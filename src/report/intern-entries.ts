import type { WorkloadEntry } from "./document.ts";

const NONE: WorkloadEntry["warnings"] = [];

/**
 * Keeps once what many entries say alike: thousands of workloads may lag behind in the same way, and
 * all of their entries are in memory until the report is written.
 *
 * @param withPodNames whether anybody will see them: no format but JSON shows them.
 * @returns what gives an equal entry.
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
