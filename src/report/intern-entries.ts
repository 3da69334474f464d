import type { AgeEntry, LabelFields, RunningEntry, WorkloadEntry } from "./document.ts";

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
  const drifts = new Map<string, WorkloadEntry["drift"]>();
  const ages = new Map<string, AgeEntry>();
  const labels = new Map<string, NonNullable<WorkloadEntry["labels"]>>();
  const groups = new Map<string, string>();

  function ageOf({ outdatedFor: age }: Pick<WorkloadEntry, "outdatedFor">) {
    return age ? { outdatedFor: shared(ages, JSON.stringify(age), age) } : {};
  }

  function runningEntry(entry: RunningEntry): RunningEntry {
    const { podNames: _names, ...unnamed } = entry;
    return { ...(withPodNames ? entry : unnamed), ...ageOf(entry) };
  }

  function labelFields(entry: WorkloadEntry): LabelFields {
    const { labels: own, group } = entry;
    return {
      ...(own && { labels: shared(labels, JSON.stringify(own), own) }),
      ...(typeof group === "string" && { group: shared(groups, group, group) }),
    };
  }

  return (entry) => {
    const target = JSON.stringify(entry.target);
    return {
      ...entry,
      ...ageOf(entry),
      ...labelFields(entry),
      reason: shared(reasons, entry.reason, entry.reason),
      target: shared(targets, target, entry.target),
      drift: shared(drifts, JSON.stringify(entry.drift), entry.drift),
      warnings: entry.warnings.length === 0 ? NONE : entry.warnings,
      running: entry.running.map(runningEntry),
    };
  };
}

function shared<Value>(known: Map<string, Value>, key: string, value: Value): Value {
  const before = known.get(key);
  if (before !== undefined) return before;
  known.set(key, value);
  return value;
}
