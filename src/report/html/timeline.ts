import { workloadKey } from "../since.ts";
import type { ResultEntry, RestartReport, WaveEntry } from "../document.ts";

/** A part of a row on the time axis. */
export interface Span {
  /** The class that has the color. */
  readonly kind:
    | "starting"
    | "becoming-ready"
    | "finishing"
    | "failed"
    | "unfinished"
    | "soak"
    | "gate";
  /** Percents of the axis. */
  readonly start: number;
  readonly width: number;
}

/** The time axis of a run, in milliseconds since the epoch. */
export interface Axis {
  readonly from: number;
  readonly to: number;
}

/** The rollouts of a wave, or those that belong to none. */
export interface TimelineGroup {
  /** Absent without waves. */
  readonly wave?: WaveEntry;
  /** In the order in which they started. Those that did not start are last. */
  readonly results: readonly ResultEntry[];
}

/** Returns the axis from the first restart to the last time; `undefined` if nothing was restarted. */
export function axisOf({
  results,
  waves,
}: Pick<RestartReport, "results" | "waves">): Axis | undefined {
  const started = [
    ...results.flatMap(({ startedAt }) => startedAt ?? []),
    ...waves.flatMap(({ soak, gate }) => [soak?.startedAt ?? [], gate?.startedAt ?? []].flat()),
  ].map(Date.parse);
  if (started.length === 0) return undefined;
  const finished = [
    ...results.filter(({ startedAt }) => startedAt !== null).map(({ finishedAt }) => finishedAt),
    ...waves.flatMap(({ soak, gate }) => [soak?.finishedAt ?? [], gate?.finishedAt ?? []].flat()),
  ].map(Date.parse);
  const from = started.reduce((least, time) => Math.min(least, time));
  const to = finished.reduce((most, time) => Math.max(most, time), from);
  return { from, to: Math.max(to, from + 1) };
}

/** Groups the results of a run by its waves. */
export function timelineGroups({
  results,
  waves,
}: Pick<RestartReport, "results" | "waves">): readonly TimelineGroup[] {
  const left = new Map(results.map((result) => [workloadKey(result), result]));
  const groups = waves.map((wave) => {
    const own = wave.workloads.flatMap((workload) => {
      const result = left.get(workloadKey(workload));
      left.delete(workloadKey(workload));
      return result ?? [];
    });
    return { wave, results: inOrder(own) };
  });
  const others = inOrder([...left.values()]);
  return others.length === 0 ? groups : [...groups, { results: others }];
}

function inOrder(results: readonly ResultEntry[]): readonly ResultEntry[] {
  const time = ({ startedAt }: ResultEntry) => startedAt ?? "~";
  return results.toSorted((a, b) => (time(a) < time(b) ? -1 : Number(time(a) > time(b))));
}

/** Returns the parts of a rollout: until its first new pod, until all were ready, and until its end. */
export function spansOf(result: ResultEntry, axis: Axis): readonly Span[] {
  const { startedAt, firstPodAt, readyAt, finishedAt, outcome } = result;
  if (startedAt === null) return [];
  const [started, finished] = [Date.parse(startedAt), Date.parse(finishedAt)];
  const first = firstPodAt === null ? finished : Date.parse(firstPodAt);
  const ready = readyAt === null ? first : Date.parse(readyAt);
  const last =
    outcome === "restarted" || outcome === "replaced"
      ? "finishing"
      : outcome === "failed"
        ? "failed"
        : "unfinished";
  const parts = [
    ["starting", started, first],
    ["becoming-ready", first, ready],
    [last, ready, finished],
  ] as const;
  return parts
    .filter(([kind, from, to]) => kind === last || to > from)
    .map(([kind, from, to]) => spanOf(kind, from, to, axis));
}

/** The narrowest part, in percent, so that every part is visible. */
const NARROWEST = 0.5;

/** @param from milliseconds since the epoch, like `to`. */
export function spanOf(kind: Span["kind"], from: number, to: number, axis: Axis): Span {
  const length = axis.to - axis.from;
  const percent = (time: number) =>
    (Math.min(Math.max(time - axis.from, 0), length) * 100) / length;
  const width = Math.max(NARROWEST, percent(to) - percent(from));
  return { kind, start: Math.min(percent(from), 100 - width), width };
}
