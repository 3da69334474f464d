import prettyMilliseconds from "pretty-ms";
import { changeText, workloadPath } from "./events.ts";
import { plain, withoutLoneSurrogates } from "./plain.ts";
import type { ProgressEvent } from "./progress-event.ts";

/** The live part of a terminal: one line for each rolling workload, above a summary. */
export interface LiveView {
  /** Lines by workload uid, in the order of the restarts. */
  readonly rolling: ReadonlyMap<string, RollingLine>;
  /** The number of workloads in the plan. */
  readonly steps: number;
  readonly ended: number;
  /** The time of the first restart, in milliseconds since the epoch. */
  readonly since: number | undefined;
  /** A message about the run as a whole, for example what is being read. */
  readonly note: string;
}

interface RollingLine {
  readonly workload: string;
  readonly change: string;
  readonly progress: string;
  readonly since: number;
}

export const EMPTY_VIEW: LiveView = {
  rolling: new Map(),
  steps: 0,
  ended: 0,
  since: undefined,
  note: "",
};

/**
 * Returns the view after an event.
 *
 * @param now milliseconds since the epoch.
 */
export function withEvent(view: LiveView, event: ProgressEvent, now: number): LiveView {
  switch (event.type) {
    case "reading":
      return { ...view, note: `reading ${event.what}` };
    case "planned":
      return { ...view, steps: event.steps, note: "" };
    case "notice":
      return { ...view, note: event.message };
    case "started": {
      const change = plain(changeText(event.from, event.image));
      const line = {
        workload: plain(workloadPath(event.ref)),
        change,
        progress: "restarted",
        since: now,
      };
      return {
        ...view,
        since: view.since ?? now,
        rolling: new Map(view.rolling).set(event.ref.uid, line),
      };
    }
    case "rolling": {
      const line = view.rolling.get(event.ref.uid);
      if (line === undefined) return view;
      const progress = plain(`${event.ready}/${event.wanted} ready, ${event.message}`);
      return { ...view, rolling: new Map(view.rolling).set(event.ref.uid, { ...line, progress }) };
    }
    case "waiting": {
      const workload = plain(workloadPath(event.ref));
      const since = view.rolling.get(event.ref.uid)?.since ?? now;
      const line = { workload, change: "waiting", progress: plain(event.message), since };
      return { ...view, rolling: new Map(view.rolling).set(event.ref.uid, line) };
    }
    case "ended": {
      const rolling = new Map(view.rolling);
      rolling.delete(event.result.ref.uid);
      return { ...view, rolling, ended: view.ended + 1 };
    }
  }
}

/** Returns a line for each rolling workload, cut to the width of the terminal. */
export function rollingLines({ rolling }: LiveView, now: number, width: number): string[] {
  const lines = [...rolling.values()];
  const widest = (of: (line: RollingLine) => string) =>
    Math.max(0, ...lines.map((line) => of(line).length));
  const workloads = widest(({ workload }) => workload);
  const changes = widest(({ change }) => change);
  return lines.map(({ workload, change, progress, since }) => {
    const text = `  ${workload.padEnd(workloads)}  ${change.padEnd(changes)}  ${clock(now - since)}  ${progress}`;
    // A line that wraps cannot be redrawn.
    return text.length < width ? text : withoutLoneSurrogates(`${text.slice(0, width - 2)}…`);
  });
}

/** Returns the summary: `3 of 12 done, 4 rolling, about 6m to go`. */
export function summaryLine(view: LiveView, now: number): string {
  const { steps, ended, rolling, since, note } = view;
  if (steps === 0) return plain(note);
  const left = timeToGo(view, now);
  return plain(
    [
      `${ended} of ${steps} done`,
      `${rolling.size} rolling`,
      ...(since === undefined ? [] : [clock(now - since)]),
      ...(left === undefined ? [] : [`about ${left} to go`]),
      ...(note === "" ? [] : [note]),
    ].join(", "),
  );
}

/** Estimates the remaining time from the pace so far; `undefined` until a first workload ends. */
function timeToGo({ steps, ended, since }: LiveView, now: number): string | undefined {
  if (since === undefined || ended === 0 || ended >= steps) return undefined;
  const left = ((now - since) / ended) * (steps - ended);
  return prettyMilliseconds(Math.max(1000, left), { compact: true });
}

function clock(milliseconds: number): string {
  return prettyMilliseconds(milliseconds, { colonNotation: true, secondsDecimalDigits: 0 });
}
