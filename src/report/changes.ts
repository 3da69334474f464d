import type { Change } from "../mesh/image.ts";
import { count } from "../wording.ts";
import type { ResultEntry, RunningEntry, StepEntry, WorkloadEntry } from "./document.ts";
import type { ImageText } from "./image-text.ts";
import { plain } from "./plain.ts";
import { workloadName } from "./sections.ts";

/** The headings of a table of changes, which all formats share. */
export const CHANGE_HEAD = ["Namespace", "Workload", "From", "To", "Pods", "Change"] as const;

/** The change that tables show in red. */
export const DOWNGRADE: Change = "downgrade";

/** A group of pods that a restart changes, with its workload. */
export interface OutdatedGroup {
  readonly entry: WorkloadEntry;
  readonly running: RunningEntry;
}

/** Returns the groups of pods that lag behind, in the order of the workloads. */
export function outdatedGroups(entries: readonly WorkloadEntry[]): readonly OutdatedGroup[] {
  return entries.flatMap((entry) =>
    entry.running.filter(({ change }) => change !== "none").map((running) => ({ entry, running })),
  );
}

export function outdatedCells(
  { entry, running }: OutdatedGroup,
  imageText: ImageText,
): readonly string[] {
  const to = entry.target?.image ?? null;
  const revision = running.change === "revision";
  return [
    plain(entry.namespace),
    workloadName(entry),
    revision ? plain(running.revision ?? "?") : imageText(running.image, to),
    revision ? plain(entry.target?.revision ?? "?") : imageText(to, running.image),
    String(running.pods),
    running.change,
  ];
}

/** Returns the cells of a planned or finished restart. */
export function stepCells(entry: StepEntry | ResultEntry, imageText: ImageText): readonly string[] {
  const { from, to, change } = entry;
  const revision = change === "revision";
  const texts = from.map((group) =>
    revision ? plain(group.revision ?? "?") : imageText(group.image, to.image),
  );
  const beside = from.find(({ image }) => image !== null)?.image ?? null;
  return [
    plain(entry.namespace),
    workloadName(entry),
    [...new Set(texts)].join(","),
    revision ? plain(to.revision) : imageText(to.image, beside),
    String(countStepPods([entry])),
    change,
  ];
}

/** Returns the number of pods that restarts replace. */
function countStepPods(entries: readonly Pick<StepEntry, "from">[]): number {
  return entries.flatMap(({ from }) => from).reduce((sum, { pods }) => sum + pods, 0);
}

/**
 * Names the workloads that would get an older version: `7 to an older version`. Empty if there are
 * none.
 */
export function downgradeText(entries: readonly Pick<StepEntry, "change">[]): string {
  const number = entries.filter(({ change }) => change === DOWNGRADE).length;
  return number === 0 ? "" : `${number} to an older version`;
}

/** Formats the size of a plan: `51 workloads (111 pods; 7 to an older version)`. */
export function planSize(steps: readonly StepEntry[]): string {
  const older = downgradeText(steps);
  const details = [count(countStepPods(steps), "pod"), ...(older === "" ? [] : [older])];
  return `${count(steps.length, "workload")} (${details.join("; ")})`;
}
