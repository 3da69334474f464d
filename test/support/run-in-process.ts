import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { main } from "../../src/main.ts";
import type { RunResult } from "./run-program.ts";

export interface ClockOptions {
  /** The speed of the program's clock relative to real time, for the time and for sleeps. */
  readonly speed?: number;
  /**
   * The factor by which sleeps are shortened. The clock skips the rest of each sleep and otherwise
   * keeps real time, so that a slow machine does not look like a silent API server.
   */
  readonly sleepDivisor?: number;
  /** The milliseconds by which the program's clock is ahead. */
  readonly ahead?: number;
}

/** The result of a run in this process, and the names of what would keep its own process alive. */
export interface InProcessResult extends RunResult {
  readonly left: readonly string[];
}

/** Runs the whole program in this process instead of spawning it. */
export async function runInProcess(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { speed = 1, sleepDivisor = 1, ahead = 0 }: ClockOptions = {},
): Promise<InProcessResult> {
  const open = { timers: 0, "signal listeners": 0 };
  const written = { stdout: "", stderr: "" };
  const record = (stream: "stdout" | "stderr") => ({
    write: (text: string) => {
      written[stream] += text;
    },
  });
  const start = Date.now();
  let skipped = 0;
  const now = () => start + ahead + skipped + (Date.now() - start) * speed;
  const status = await main(args, {
    stdin: new PassThrough(),
    stdout: record("stdout"),
    stderr: record("stderr"),
    env: { NO_COLOR: "1", HOME: "/nonexistent", ...env },
    process: { pid: process.pid, platform: process.platform, kill: () => true },
    isStdoutPiped: () => false,
    hostname: () => "ops-1",
    now: () => new Date(now()),
    random: Math.random,
    sleep: async (milliseconds, signal) => {
      const options = signal ? { signal } : {};
      open.timers += 1;
      const end = now() + milliseconds;
      await delay(milliseconds / speed / sleepDivisor, undefined, options).catch(() => undefined);
      // Sleeps may overlap: the first one to end has already advanced the clock for the others.
      if (sleepDivisor > 1 && !signal?.aborted) skipped += Math.max(0, end - now());
      open.timers -= 1;
    },
    onSignal: () => {
      open["signal listeners"] += 1;
      return () => {
        open["signal listeners"] -= 1;
      };
    },
    endSoon: () => undefined,
  });
  const left = Object.entries(open).flatMap(([what, count]) => (count > 0 ? [what] : []));
  return { status, ...written, left };
}
