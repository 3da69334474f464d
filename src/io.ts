import { EventEmitter } from "node:events";
import { fstatSync } from "node:fs";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

/** Environment variables by name. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The outside world as one value, so that a test can replace all of it. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Env;
  /** True if another program reads stdout. */
  isStdoutPiped(): boolean;
  readonly process: Pick<NodeJS.Process, "kill" | "pid" | "platform">;
  /** The name of the machine; in a pod, that of the pod. */
  hostname(): string;
  now(): Date;
  random(): number;
  /** Resolves early, without an error, when the signal fires. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls the listener on SIGINT and SIGTERM, which then no longer end the process. SIGHUP, which comes
   * when the terminal is closed, counts as SIGTERM. The returned function removes the listener. After the
   * last one, a signal ends the process soon, and not at once: it may still print its report, and its exit
   * code tells what was done.
   */
  onSignal(listener: (signal: "SIGINT" | "SIGTERM") => void): () => void;
  /**
   * Ends the process a moment after its work, even if an operation is pending that nothing can abort.
   * Node would wait for it, also in `process.exit`.
   */
  endSoon(): void;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/**
 * True if a person watches stderr on a terminal. A CI runner stores its output, even if it provides a
 * terminal.
 */
export function isWatched({ stderr, env }: Pick<Io, "stderr" | "env">): boolean {
  return stderr.isTTY === true && env["TERM"] !== "dumb" && env["CI"] === undefined;
}

/** Passes the signals of the process on; with no listener, they end the process soon. */
const signals = new EventEmitter();
let isListening = false;

export const processIo: Io = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  process,
  isStdoutPiped: () => {
    try {
      return fstatSync(1).isFIFO();
    } catch {
      // stdout is closed.
      return false;
    }
  },
  hostname,
  now: () => new Date(),
  random: Math.random,
  sleep,
  onSignal: (listener) => {
    if (!isListening) {
      isListening = true;
      const onEnd = () => passOn("SIGTERM");
      process
        .on("SIGINT", () => passOn("SIGINT"))
        .on("SIGTERM", onEnd)
        .on("SIGHUP", onEnd);
    }
    signals.on("signal", listener);
    return () => void signals.off("signal", listener);
  },
  endSoon,
};

function passOn(signal: "SIGINT" | "SIGTERM"): void {
  if (!signals.emit("signal", signal)) endSoon();
}

function endSoon(): void {
  setTimeout(() => process.kill(process.pid, "SIGKILL"), 2000).unref();
}

/** The longest timer of Node, in milliseconds: with a longer one, it does not wait at all. */
const LONGEST_TIMER = 2 ** 31 - 1;

async function sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const part = Math.min(milliseconds, LONGEST_TIMER);
  await delay(part, undefined, signal ? { signal } : {}).catch(() => undefined);
  if (milliseconds > part && signal?.aborted !== true) await sleep(milliseconds - part, signal);
}

/**
 * Keeps a closed pipe or a full disk from ending the process in the middle of a run: rollouts that
 * have begun must still be followed and recorded.
 *
 * @returns a function that returns the first error that lost a part of the result. A closed pipe
 *   loses nothing, because its reader wanted no more.
 */
export function watchOutputs(): () => Promise<NodeJS.ErrnoException | undefined> {
  let lost: NodeJS.ErrnoException | undefined;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") lost ??= error;
  });
  process.stderr.on("error", () => undefined);
  return async () => {
    // The stream reports an error only after the write has returned.
    await new Promise((resolve) => setImmediate(resolve));
    return lost;
  };
}
