import ora from "ora";
import { wrapAnsi } from "fast-wrap-ansi";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { isDone } from "../rollout/result.ts";
import type { DisplaySettings } from "../settings.ts";
import { formatEvent } from "./events.ts";
import { dropKeys } from "./live-keys.ts";
import { EMPTY_VIEW, type LiveView, rollingLines, summaryLine, withEvent } from "./live-view.ts";
import type { Progress, ProgressEvent } from "./progress-event.ts";
import { type Style, styleFor } from "./style.ts";

/** Events that stay on the terminal, above the live lines. */
const KEPT: ReadonlySet<ProgressEvent["type"]> = new Set([
  "cluster-read",
  "ended",
  "labelled",
  "notice",
  "stopped",
  "wave-started",
  "soaked",
  "gate-answered",
]);

/** Milliseconds between two updates of the clocks in the live lines. */
const TICK = 200;

/** The spinner before the summary takes this many columns. */
const SPINNER = 3;

/**
 * Control sequences (DECAWM) around each frame. A frame may be drawn after a terminal has become narrower
 * and before the program knows it: without wrapping, its lines still take one row each.
 */
const WRAPPING = { off: "\u001b[?7l", on: "\u001b[?7h" };

/** Shows a line for each rolling workload above a summary, redrawn until it is stopped. */
export function liveLines(io: Io, display: DisplaySettings): Progress {
  const stream = io.stderr as NodeJS.WriteStream;
  const style = styleFor(io.stderr, display, io);
  let view: LiveView = EMPTY_VIEW;
  let lines: readonly string[] = [];
  let summary = "";
  /** The lines on the terminal, and the width with which they were drawn. */
  let drawn: { readonly lines: readonly string[]; readonly columns: number } | undefined;
  let ticking: NodeJS.Timeout | undefined;
  let giveKeysBack: (() => void) | undefined;
  let pauses = 0;

  const spinner = ora({
    stream,
    color: false,
    discardStdin: false,
    // ora asks for this text when it draws.
    prefixText: () => {
      drawn = { lines: [...lines, " ".repeat(SPINNER) + summary], columns: columns() };
      // ora puts a blank after any text.
      if (lines.length === 0) return "";
      return WRAPPING.off + lines.map((line) => `${line}\n`).join("");
    },
  });

  function update(): void {
    const now = io.now().getTime();
    lines = rollingLines(view, now, { columns: columns(), rows: io.stderr.rows || 24 });
    summary = summaryLine(view, now, columns() - 1 - SPINNER);
    // Some terminals do not wrap the line of the cursor again, so the cursor gets an empty line.
    spinner.text = `${summary}${WRAPPING.on}\n`;
  }

  /** A terminal without a size has 0 columns. */
  function columns(): number {
    return io.stderr.columns || 80;
  }

  function redrawResized(): void {
    if (drawn === undefined || !spinner.isSpinning) return;
    const wrapped = physicalRows(drawn.lines, columns()) - physicalRows(drawn.lines, drawn.columns);
    update();
    spinner.clear();
    // A terminal that becomes narrower wraps the lines on it. ora clears as many as it wrote, here or when
    // it has drawn another frame meanwhile, and redraws after a text that ends a line.
    if (wrapped > 0) stream.write(`\u001b[${wrapped}A\u001b[J\r`);
    else spinner.render();
  }

  function start(): void {
    update();
    if (spinner.isSpinning || pauses > 0) return;
    giveKeysBack = dropKeys(io, pause);
    spinner.start();
    ticking = setInterval(update, TICK);
    stream.on("resize", redrawResized);
  }

  function stop(): void {
    stream.off("resize", redrawResized);
    clearInterval(ticking);
    spinner.stop();
    drawn = undefined;
    giveKeysBack?.();
    giveKeysBack = undefined;
  }

  function pause(): () => void {
    const wasShown = spinner.isSpinning;
    stop();
    pauses += 1;
    return () => {
      pauses -= 1;
      if (wasShown) start();
    };
  }

  return {
    emit: (event) => {
      view = withEvent(view, event, io.now().getTime());
      update();
      // ora clears its lines before any other text on the same stream, and redraws them after it.
      if (KEPT.has(event.type)) {
        io.stderr.write(`${keptLines(event, columns(), style)}\n`);
      }
      start();
    },
    stop,
    pause,
  };
}

/** Returns the number of rows that lines take on a terminal that wraps them. */
function physicalRows(lines: readonly string[], width: number): number {
  return lines.reduce((sum, { length }) => sum + Math.max(1, Math.ceil(length / width)), 0);
}

/** Breaks the line at words, which a terminal does not do. */
function keptLines(event: ProgressEvent, width: number, style: Style): string {
  const [first = "", ...rest] = wrapAnsi(formatEvent(event), Math.max(20, width - 3)).split("\n");
  const { symbol, color } = mark(event);
  return [`${style[color](symbol)} ${first}`, ...rest.map((line) => `  ${line}`)].join("\n");
}

/** Codes of skipped workloads that need no attention. */
const HARMLESS: ReadonlySet<string> = new Set(["dry-run", "already-current"]);

const GOOD = { symbol: "✔", color: "good" } as const;
const BAD = { symbol: "✖", color: "bad" } as const;
const NOTE = { symbol: "!", color: "warn" } as const;

/** The symbols of the results of a soak or a gate. */
const CHECK_MARKS = {
  passed: GOOD,
  failed: BAD,
  unread: BAD,
  refused: BAD,
  unanswered: BAD,
  stopped: NOTE,
} as const;

/** The symbols of clusters without findings, and of those without a report. */
const CLUSTER_MARKS: Readonly<Partial<Record<ExitCode, typeof GOOD | typeof BAD>>> = {
  [EXIT.ok]: GOOD,
  [EXIT.couldNotRun]: BAD,
  [EXIT.usage]: BAD,
};

/** Returns the symbol in front of a line that stays on the terminal. */
export function mark(event: ProgressEvent): {
  readonly symbol: string;
  readonly color: "good" | "warn" | "bad";
} {
  if (event.type === "wave-started") return { symbol: "›", color: "good" };
  if (event.type === "soaked") return CHECK_MARKS[event.soak.result];
  if (event.type === "gate-answered") return CHECK_MARKS[event.gate.result];
  if (event.type === "cluster-read") return CLUSTER_MARKS[event.exitCode] ?? NOTE;
  if (event.type !== "ended") return NOTE;
  const { outcome, code } = event.result;
  return isDone(outcome) || HARMLESS.has(code) ? GOOD : BAD;
}
