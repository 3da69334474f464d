import { PassThrough } from "node:stream";
import type { Io } from "../../../src/io.ts";

export interface RecordedIo extends Io {
  /** The output so far. */
  readonly written: { stdout: string; stderr: string };
}

/** Returns an Io without a terminal, with a fixed time and recorded output. */
export function recordedIo(env: Io["env"] = {}): RecordedIo {
  const written = { stdout: "", stderr: "" };
  const record = (stream: "stdout" | "stderr") => ({
    write: (text: string) => {
      written[stream] += text;
    },
  });
  return {
    written,
    stdin: new PassThrough(),
    stdout: record("stdout"),
    stderr: record("stderr"),
    env,
    process: { pid: process.pid, platform: process.platform, kill: () => true },
    isStdoutPiped: () => false,
    hostname: () => "ops-1",
    now: () => new Date("2026-11-22T20:00:00Z"),
    random: () => 0,
    sleep: () => Promise.resolve(),
    onSignal: () => () => undefined,
    endSoon: () => undefined,
  };
}
