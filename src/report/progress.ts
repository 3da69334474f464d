import type { Io } from "../io.ts";
import type { DisplaySettings } from "../settings.ts";
import { eventEntry, formatEvent } from "./events.ts";
import { toJson } from "./json.ts";
import type { Progress } from "./progress-event.ts";

const SILENT: Progress = { emit: () => undefined, stop: () => undefined };

/** Shows events on stderr. With `--output jsonl` it also prints them as JSON on stdout. */
export async function openProgress(io: Io, display: DisplaySettings): Promise<Progress> {
  const forPeople = await openProgressForPeople(io, display);
  return display.output === "jsonl" ? both(forPeople, jsonLines(io)) : forPeople;
}

/** Shows live lines on a terminal, dated lines in a log, and nothing with `--quiet`. */
async function openProgressForPeople(io: Io, { quiet }: DisplaySettings): Promise<Progress> {
  if (quiet) return SILENT;
  // A CI runner stores its output, even if it provides a terminal.
  const kept = io.env["TERM"] === "dumb" || io.env["CI"] !== undefined;
  if (io.stderr.isTTY !== true || kept) return logLines(io);
  const { liveLines } = await import("./live-lines.ts");
  return liveLines(io);
}

function both(first: Progress, second: Progress): Progress {
  return {
    emit: (event) => {
      first.emit(event);
      second.emit(event);
    },
    stop: () => {
      first.stop();
      second.stop();
    },
  };
}

function jsonLines(io: Io): Progress {
  return {
    emit: (event) => io.stdout.write(`${toJson(eventEntry(event, io.now()))}\n`),
    stop: () => undefined,
  };
}

function logLines(io: Io): Progress {
  return {
    emit: (event) => {
      // Reading is brief, and a log does not need it.
      if (event.type === "reading") return;
      io.stderr.write(`${formatTime(io.now())} ${formatEvent(event)}\n`);
    },
    stop: () => undefined,
  };
}

function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
