import prettyMilliseconds from "pretty-ms";
import type { WorkloadRef } from "../snapshot.ts";
import { changeText, formatEvent, workloadPath } from "./events.ts";
import { cutMiddle, plain, withoutLoneSurrogates } from "./plain.ts";
import type { ProgressEvent } from "./progress-event.ts";

/** The live part of a terminal: one line for each rolling workload, above a summary. */
export interface LiveView {
  /** Lines by workload uid, in the order of the restarts. */
  readonly rolling: ReadonlyMap<string, RollingLine>;
  /** The number of workloads in the plan. */
  readonly steps: number;
  /** The change that all workloads in the plan share; empty if they differ. */
  readonly change: string;
  readonly ended: number;
  /** The number of workloads that will not start; `undefined` unless the run was stopped. */
  readonly notStarted: number | undefined;
  /** The time of the first restart, in milliseconds since the epoch. */
  readonly since: number | undefined;
  /** The thing that is being read, or waited for by `verify`; empty if there is none. */
  readonly note: string;
  /** The wave and its check, such as `wave 1 of 3, soaking`; empty without waves. */
  readonly wave: string;
  /** The end of the soak, in milliseconds since the epoch; `undefined` without one. */
  readonly soakEnd: number | undefined;
  /** True if `verify` waits, so that it reads again and again. */
  readonly verifying: boolean;
}

interface RollingLine {
  readonly workload: string;
  /** The numbers of ready and of wanted new pods: `1/3`. */
  readonly ready: string;
  readonly since: number;
  /** Empty if the workload only waits. */
  readonly change: string;
  readonly message: string;
}

/** The size of a terminal, in characters. */
export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export const EMPTY_VIEW: LiveView = {
  rolling: new Map(),
  steps: 0,
  change: "",
  ended: 0,
  notStarted: undefined,
  since: undefined,
  note: "",
  wave: "",
  soakEnd: undefined,
  verifying: false,
};

/**
 * Returns the view after an event.
 *
 * @param now milliseconds since the epoch.
 */
export function withEvent(view: LiveView, event: ProgressEvent, now: number): LiveView {
  switch (event.type) {
    case "reading":
      return view.verifying ? view : { ...view, note: formatEvent(event) };
    case "verifying":
      return { ...view, note: formatEvent(event), verifying: true };
    case "planned": {
      const changes = new Set(event.steps.map(({ from, to }) => plain(changeText(from, to))));
      const [change = ""] = changes.size === 1 ? changes : [];
      return { ...view, steps: event.steps.length, change, note: "" };
    }
    case "cluster-read":
    case "notice":
    case "labelled":
      return view;
    case "wave-started":
      return { ...view, wave: placeOf(event), soakEnd: undefined };
    case "soaking":
      return { ...view, wave: `${placeOf(event)}, soaking`, soakEnd: now + event.duration };
    case "gate-asked":
      return { ...view, wave: `${placeOf(event)}, asking the gate`, soakEnd: undefined };
    case "soaked":
    case "gate-answered":
      return { ...view, wave: placeOf(event), soakEnd: undefined };
    case "stopped":
      return { ...view, notStarted: event.notStarted };
    case "started": {
      const change = plain(changeText(event.from, event.to));
      const started = {
        ready: "",
        since: now,
        change,
        message: event.inPlace ? "replacing" : "restarted",
      };
      return { ...withLine(view, event.ref, () => started), since: view.since ?? now };
    }
    case "rolling": {
      if (!view.rolling.has(event.ref.uid)) return view;
      const ready = `${event.ready}/${event.wanted}`;
      return withLine(view, event.ref, (line) => ({ ...line, ready, message: event.message }));
    }
    case "waiting": {
      const message = `waiting: ${event.message}`;
      return withLine(view, event.ref, ({ since }) => ({ ready: "", since, change: "", message }));
    }
    case "ended": {
      const rolling = new Map(view.rolling);
      rolling.delete(event.result.ref.uid);
      return { ...view, rolling, ended: view.ended + 1 };
    }
  }

  function placeOf({ wave, of }: { readonly wave: number; readonly of: number }): string {
    return `wave ${wave} of ${of}`;
  }

  function withLine(
    before: LiveView,
    ref: WorkloadRef,
    change: (line: Omit<RollingLine, "workload">) => Omit<RollingLine, "workload">,
  ): LiveView {
    const known = before.rolling.get(ref.uid) ?? { ready: "", since: now, change: "", message: "" };
    const line = change(known);
    const workload = plain(workloadPath(ref));
    const shown = { ...line, message: plain(line.message), workload };
    return { ...before, rolling: new Map(before.rolling).set(ref.uid, shown) };
  }
}

/** The lines of a terminal that the summary, the number of hidden lines, and a margin need. */
const OTHER_LINES = 4;

/** The least room for a message, in characters: beside the change, and beside a long name. */
const LEAST_MESSAGE = { withChange: 24, withName: 16 };

/**
 * Returns a line for each rolling workload. If there are more than the terminal has room for, the
 * last line counts the others. If a line is too wide, it loses the change first, then the end of the
 * message, then the middle of the name.
 */
export function rollingLines(view: LiveView, now: number, size: TerminalSize): readonly string[] {
  const all = [...view.rolling.values()];
  const shown = all.slice(0, Math.max(1, size.rows - OTHER_LINES));
  const hidden = all.length - shown.length;
  return [
    ...alignedLines(view, shown, now, size.columns),
    ...(hidden > 0 ? [`  and ${hidden} more rolling`] : []),
  ];
}

function alignedLines(
  view: LiveView,
  lines: readonly RollingLine[],
  now: number,
  columns: number,
): readonly string[] {
  const widest = (texts: readonly string[]) => Math.max(0, ...texts.map(({ length }) => length));
  const names = widest(lines.map(({ workload }) => workload));
  const ready = widest(lines.map((line) => line.ready));
  const clocks = lines.map(({ since }) => clock(now - since));
  const time = widest(clocks);
  // A line in the last column would wrap, and a line that wraps cannot be redrawn.
  const room = columns - 1 - [ready, time].reduce((sum, width) => sum + cellWidth(width), 2);
  const name = Math.min(names, Math.max(1, room - 2 - LEAST_MESSAGE.withName));
  const all = view.change === "" ? widest(lines.map((line) => line.change)) : 0;
  const left = room - cellWidth(name) - cellWidth(all);
  const change = left < LEAST_MESSAGE.withChange ? 0 : all;
  return lines.map((line, index) => {
    const cells = [
      cell(cutMiddle(line.workload, name), name),
      cell(line.ready, ready),
      cell((clocks[index] ?? "").padStart(time), time),
      cell(change === 0 ? "" : line.change, change),
    ];
    return cutEnd(`  ${cells.join("")}${line.message}`, columns - 1);
  });
}

/** Returns the width of a column with the gap behind it. */
function cellWidth(width: number): number {
  return width === 0 ? 0 : width + 2;
}

function cell(text: string, width: number): string {
  return text.padEnd(cellWidth(width));
}

function cutEnd(text: string, length: number): string {
  const line = text.trimEnd();
  return line.length <= length ? line : withoutLoneSurrogates(`${line.slice(0, length - 1)}…`);
}

/** The widths of the bar, in characters. */
const BAR = { least: 5, most: 20 };

/**
 * Returns the summary: `█████░░░░░ 3 of 12 done, 4 rolling, 1:04, about 6m left`. If it is too wide, the
 * bar gets narrower first; then the last parts go.
 */
export function summaryLine(view: LiveView, now: number, columns: number): string {
  if (view.steps === 0) return cutEnd(plain(view.note), columns);
  const parts = summaryParts(view, now);
  const lengthOf = (number: number) => parts.slice(0, number).join(", ").length;
  let number = parts.length;
  while (number > 1 && lengthOf(number) + 1 + BAR.least > columns) number -= 1;
  const width = Math.min(BAR.most, columns - lengthOf(number) - 1);
  const text = parts.slice(0, number).join(", ");
  return width < BAR.least ? cutEnd(text, columns) : `${bar(view, width)} ${text}`;
}

function summaryParts(view: LiveView, now: number): readonly string[] {
  const { steps, ended, rolling, notStarted, since, note, change, wave, soakEnd } = view;
  const soak = soakEnd === undefined ? "" : ` ${clock(Math.max(0, soakEnd - now))}`;
  const left = timeLeft(view, now);
  const working =
    notStarted === undefined ? `${rolling.size} rolling` : `waiting for ${rolling.size}`;
  return [
    `${ended} of ${steps} done`,
    ...(rolling.size === 0 ? [] : [working]),
    ...(notStarted === undefined || notStarted === 0 ? [] : [`${notStarted} not started`]),
    ...(note === "" ? [] : [plain(note)]),
    ...(wave === "" ? [] : [`${wave}${soak}`]),
    ...(since === undefined ? [] : [clock(now - since)]),
    ...(left === undefined ? [] : [`about ${left} left`]),
    ...(change === "" ? [] : [change]),
  ];
}

function bar({ steps, ended }: LiveView, width: number): string {
  const done = Math.floor((width * Math.min(ended, steps)) / steps);
  return "█".repeat(done) + "░".repeat(width - done);
}

/**
 * Estimates the remaining time from the pace so far; `undefined` until a first workload ends, and
 * after the run was stopped.
 */
function timeLeft({ steps, ended, since, notStarted }: LiveView, now: number): string | undefined {
  if (since === undefined || ended === 0 || ended >= steps) return undefined;
  if (notStarted !== undefined) return undefined;
  const left = ((now - since) / ended) * (steps - ended);
  return prettyMilliseconds(Math.max(1000, left), { compact: true });
}

function clock(milliseconds: number): string {
  return prettyMilliseconds(milliseconds, { colonNotation: true, secondsDecimalDigits: 0 });
}
