import { type Io, isWatched } from "../io.ts";
import type { DisplaySettings } from "../settings.ts";
import { formatTime } from "../time-text.ts";
import { eventEntry, formatEvent } from "./events.ts";
import { toJson } from "./json.ts";
import type { Progress } from "./progress-event.ts";

/** The display does not use the terminal, so that there is nothing to stop or to pause. */
const PASSIVE = { stop: () => undefined, pause: () => () => undefined };

const SILENT: Progress = { emit: () => undefined, ...PASSIVE };

/** Shows events on stderr. With `--output jsonl` it also prints them as JSON on stdout. */
export async function openProgress(io: Io, display: DisplaySettings): Promise<Progress> {
  const forPeople = await openProgressForPeople(io, display);
  return display.output === "jsonl" ? both(forPeople, jsonLines(io)) : forPeople;
}

/** Shows live lines on a terminal, dated lines in a log, and nothing with `--quiet`. */
async function openProgressForPeople(io: Io, display: DisplaySettings): Promise<Progress> {
  if (display.quiet) return SILENT;
  if (!isWatched(io)) return logLines(io);
  const { liveLines } = await import("./live-lines.ts");
  return liveLines(io, display);
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
    pause: () => {
      const [resumeFirst, resumeSecond] = [first.pause(), second.pause()];
      return () => {
        resumeSecond();
        resumeFirst();
      };
    },
  };
}

function jsonLines(io: Io): Progress {
  return {
    emit: (event) => io.stdout.write(`${toJson(eventEntry(event, io.now()))}\n`),
    ...PASSIVE,
  };
}

function logLines(io: Io): Progress {
  let [ended, steps] = [0, 0];
  let verified = "";
  return {
    emit: (event) => {
      if (event.type === "planned") steps = event.steps.length;
      if (event.type === "ended") ended += 1;
      // Reading is brief, and a log does not need it.
      if (event.type === "reading") return;
      if (event.type === "verifying") {
        // Only the remaining time has changed.
        if (event.message === verified) return;
        verified = event.message;
      }
      const isAboutWorkload = event.type === "ended" || "ref" in event;
      const counter = isAboutWorkload && steps > 0 ? `[${ended}/${steps}] ` : "";
      io.stderr.write(`${formatTime(io.now())} ${counter}${formatEvent(event)}\n`);
    },
    ...PASSIVE,
  };
}
