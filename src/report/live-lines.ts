import ora from "ora";
import wrapAnsi from "wrap-ansi";
import type { Io } from "../io.ts";
import { isDone } from "../rollout/result.ts";
import { formatEvent } from "./events.ts";
import { EMPTY_VIEW, type LiveView, rollingLines, summaryLine, withEvent } from "./live-view.ts";
import type { Progress, ProgressEvent } from "./progress-event.ts";

/** Events that stay on the terminal, above the live lines. */
const KEPT: ReadonlySet<ProgressEvent["type"]> = new Set(["ended", "notice"]);

/** Milliseconds between two updates of the clocks in the live lines. */
const TICK = 200;

/** Shows a line for each rolling workload above a summary, redrawn until it is stopped. */
export function liveLines(io: Io): Progress {
  const stream = io.stderr as NodeJS.WriteStream;
  const spinner = ora({ stream, color: false, discardStdin: false });
  let view: LiveView = EMPTY_VIEW;
  let ticking: NodeJS.Timeout | undefined;

  function draw(): void {
    const now = io.now().getTime();
    const lines = rollingLines(view, now, io.stderr.columns ?? 80);
    spinner.prefixText = lines.map((line) => `${line}\n`).join("");
    spinner.text = summaryLine(view, now);
  }

  return {
    emit: (event) => {
      view = withEvent(view, event, io.now().getTime());
      draw();
      // ora clears its lines before any other text on the same stream, and redraws them after it.
      if (KEPT.has(event.type)) io.stderr.write(`${keptLines(event, io.stderr.columns ?? 80)}\n`);
      if (!spinner.isSpinning) spinner.start();
      ticking ??= setInterval(draw, TICK);
    },
    stop: () => {
      clearInterval(ticking);
      ticking = undefined;
      spinner.stop();
    },
  };
}

/** Breaks the line at words, which a terminal does not do. */
function keptLines(event: ProgressEvent, columns: number): string {
  const [first = "", ...rest] = wrapAnsi(formatEvent(event), Math.max(20, columns - 3)).split("\n");
  return [`${mark(event)} ${first}`, ...rest.map((line) => `  ${line}`)].join("\n");
}

/** Codes of skipped workloads that need no attention. */
const HARMLESS: ReadonlySet<string> = new Set(["dry-run", "already-current"]);

/** Returns the symbol in front of a line that stays on the terminal. */
export function mark(event: ProgressEvent): string {
  if (event.type !== "ended") return "!";
  const { outcome, code } = event.result;
  return isDone(outcome) || HARMLESS.has(code) ? "✔" : "✖";
}
