import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { main } from "../../src/main.ts";
import type { Ran } from "./run-program.ts";

export interface World {
  /** How much faster than ours its clock runs: both what it tells and what sleep takes. */
  readonly speed?: number;
  /**
   * How much less than its time a sleep takes. The clock leaps over the rest, and else runs as ours:
   * a machine that is slow to answer has not been silent for minutes.
   */
  readonly leaps?: number;
  /** Milliseconds that its clock is ahead of ours. */
  readonly ahead?: number;
}

/** A run in this process, and what it left behind that would keep a process of its own alive. */
export interface RanInside extends Ran {
  readonly left: readonly string[];
}

/** The whole program in this process: what a spawned run does, without its start. */
export async function runInside(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { speed = 1, leaps = 1, ahead = 0 }: World = {},
): Promise<RanInside> {
  const open = { timers: 0, "signal listeners": 0 };
  const written = { stdout: "", stderr: "" };
  const record = (stream: "stdout" | "stderr") => ({
    write: (text: string) => {
      written[stream] += text;
    },
  });
  const start = Date.now();
  let leapt = 0;
  const now = () => start + ahead + leapt + (Date.now() - start) * speed;
  const status = await main(args, {
    stdin: new PassThrough(),
    stdout: record("stdout"),
    stderr: record("stderr"),
    env: { NO_COLOR: "1", HOME: "/nonexistent", ...env },
    now: () => new Date(now()),
    random: Math.random,
    sleep: async (milliseconds, signal) => {
      const options = signal ? { signal } : {};
      open.timers += 1;
      const end = now() + milliseconds;
      await delay(milliseconds / speed / leaps, undefined, options).catch(() => undefined);
      // Of those that slept side by side the first has leapt for all.
      if (leaps > 1 && !signal?.aborted) leapt += Math.max(0, end - now());
      open.timers -= 1;
    },
    onSignal: () => {
      open["signal listeners"] += 1;
      return () => {
        open["signal listeners"] -= 1;
      };
    },
  });
  const left = Object.entries(open).flatMap(([what, count]) => (count > 0 ? [what] : []));
  return { status, ...written, left };
}
