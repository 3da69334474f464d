import { PassThrough } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { main } from "../../src/main.ts";
import type { Ran } from "./run-program.ts";

export interface World {
  /** How much faster than ours its clock runs: both what it tells and what sleep takes. */
  readonly speed?: number;
  /** Milliseconds that its clock is ahead of ours. */
  readonly ahead?: number;
}

/** The whole program in this process: what a spawned run does, without its start. */
export async function runInside(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { speed = 1, ahead = 0 }: World = {},
): Promise<Ran> {
  const written = { stdout: "", stderr: "" };
  const record = (stream: "stdout" | "stderr") => ({
    write: (text: string) => {
      written[stream] += text;
    },
  });
  const start = Date.now();
  const status = await main(args, {
    stdin: new PassThrough(),
    stdout: record("stdout"),
    stderr: record("stderr"),
    env: { NO_COLOR: "1", HOME: "/nonexistent", ...env },
    now: () => new Date(start + ahead + (Date.now() - start) * speed),
    random: Math.random,
    sleep: async (milliseconds, signal) => {
      const options = signal ? { signal } : {};
      await delay(milliseconds / speed, undefined, options).catch(() => undefined);
    },
    onSignal: () => () => undefined,
  });
  return { status, ...written };
}
