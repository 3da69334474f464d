import ora from "ora";
import wrapAnsi from "wrap-ansi";
import type { Io } from "../io.ts";
import { isDone } from "../rollout/result.ts";
import { formatEvent } from "./events.ts";
import { EMPTY_VIEW, type LiveView, rollingLines, summaryLine, withEvent } from "./live-view.ts";
import type { Progress, ProgressEvent } from "./progress-event.ts";

/** Events that stay on the terminal, above the lines that live. */
const KEPT: ReadonlySet<ProgressEvent["type"]> = new Set(["ended", "notice"]);

/** One line per rolling workload over a summary, drawn anew until it is stopped. */
export function liveLines(io: Io): Progress {
  const stream = io.stderr as NodeJS.WriteStream;
  const spinner = ora({ stream, color: false, discardStdin: false });
  let view: LiveView = EMPTY_VIEW;
  // Both are drawn anew at every frame, so that the clocks in them go on.
  spinner.prefixText = () => {
    const now = io.now().getTime();
    spinner.text = summaryLine(view, now);
    return rollingLines(view, now, io.stderr.columns ?? 80)
      .map((line) => `${line}\n`)
      .join("");
  };
  return {
    emit: (event) => {
      view = withEvent(view, event, io.now().getTime());
      // The spinner steps aside for whatever else is written to its terminal.
      if (KEPT.has(event.type)) io.stderr.write(`${kept(event, io.stderr.columns ?? 80)}\n`);
      if (!spinner.isSpinning) spinner.start();
    },
    stop: () => spinner.stop(),
  };
}

/** Broken at words, as no terminal does. */
function kept(event: ProgressEvent, columns: number): string {
  const [first = "", ...rest] = wrapAnsi(formatEvent(event), Math.max(20, columns - 3)).split("\n");
  return [`${mark(event)} ${first}`, ...rest.map((line) => `  ${line}`)].join("\n");
}

/** Codes of what was skipped with nothing amiss. */
const WELL_LEFT_ALONE: ReadonlySet<string> = new Set(["dry-run", "already-current"]);

/** What stands before a line that stays. */
export function mark(event: ProgressEvent): string {
  if (event.type !== "ended") return "!";
  const { outcome, code } = event.result;
  const isWell = isDone(outcome) || WELL_LEFT_ALONE.has(code);
  return isWell ? "✔" : "✖";
}
