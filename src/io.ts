import { setTimeout as delay } from "node:timers/promises";

/** Environment variables by name. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The outside world as one value, so that a test can stand in for all of it. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Env;
  now(): Date;
  random(): number;
  /** Resolves early, without an error, when the signal fires. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Calls back for SIGINT and SIGTERM instead of dying of them, until the returned call. */
  onSignal(listener: (signal: "SIGINT" | "SIGTERM") => void): () => void;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export const processIo: Io = {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  now: () => new Date(),
  random: Math.random,
  sleep: async (milliseconds, signal) => {
    await delay(milliseconds, undefined, signal ? { signal } : {}).catch(() => undefined);
  },
  onSignal: (listener) => {
    process.on("SIGINT", listener);
    process.on("SIGTERM", listener);
    return () => {
      process.off("SIGINT", listener);
      process.off("SIGTERM", listener);
    };
  },
};

/**
 * Keeps a reader that has gone, or a disk that is full, from ending the process in the middle of a
 * run: what rolls must be waited for and recorded all the same.
 *
 * @returns tells the first error that cost something of the result; a closed pipe is none, for
 * whoever closed it had enough.
 */
export function watchOutputs(): () => Promise<NodeJS.ErrnoException | undefined> {
  let lost: NodeJS.ErrnoException | undefined;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") lost ??= error;
  });
  process.stderr.on("error", () => undefined);
  return async () => {
    // Errors are told a moment after the write.
    await new Promise((resolve) => setImmediate(resolve));
    return lost;
  };
}
