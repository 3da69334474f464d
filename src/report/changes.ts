import type { Change } from "../mesh/image.ts";
import { isMoved } from "../mesh/revision-move.ts";
import { count } from "../wording.ts";
import { ageCell } from "./age-text.ts";
import type { ResultEntry, RunningEntry, StepEntry, WorkloadEntry } from "./document.ts";
import type { ImageText } from "./image-text.ts";
import { plain } from "./plain.ts";
import { workloadName } from "./sections.ts";

/** The headings of a table of changes, which all formats share. */
export const CHANGE_HEAD = ["Namespace", "Workload", "From", "To", "Pods", "Change"] as const;

/** The headings of a table of outdated workloads. */
export const OUTDATED_HEAD = [...CHANGE_HEAD, "For"] as const;

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

/** @param wide true for both bounds of the age. */
export function outdatedCells(
  { entry, running }: OutdatedGroup,
  imageText: ImageText,
  wide = false,
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
    ageCell(running.outdatedFor, wide),
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
  const number = countDowngrades(entries);
  return number === 0 ? "" : `${number} to an older version`;
}

function countDowngrades(entries: readonly Pick<StepEntry, "change">[]): number {
  return entries.filter(({ change }) => change === DOWNGRADE).length;
}

/**
 * Names the moves between revisions: `5 workloads from asm-1-27 to asm-1-28`. Empty if no pod moves.
 */
function moveTexts(steps: readonly StepEntry[]): readonly string[] {
  const moves = steps.flatMap(({ from, to }) => {
    const moved = from.filter((group) => isMoved(group, to));
    const names = [...new Set(moved.map(({ revision }) => revision ?? "an unknown revision"))];
    return names.length === 0 ? [] : [`from ${names.sort().join(" and ")} to ${to.revision}`];
  });
  return [...new Set(moves)].sort().map((text) => {
    const moved = moves.filter((move) => move === text).length;
    return `${count(moved, "workload")} ${plain(text)}`;
  });
}

/**
 * Formats the size of a plan: `51 workloads (111 pods; 7 workloads to an older version; 7 workloads from
 * asm-1-28 to asm-1-27)`. The number before it is that of the pods, so each part says what it counts.
 */
export function planSize(steps: readonly StepEntry[]): string {
  const older = countDowngrades(steps);
  const details = [
    count(countStepPods(steps), "pod"),
    ...(older === 0 ? [] : [`${count(older, "workload")} to an older version`]),
    ...moveTexts(steps),
  ];
  return `${count(steps.length, "workload")} (${details.join("; ")})`;
}
