import { setTimeout as delay } from "node:timers/promises";

/** Environment variables by name. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The outside world as one value, so that a test can replace all of it. */
export interface Io {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Env;
  now(): Date;
  random(): number;
  /** Resolves early, without an error, when the signal fires. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /**
   * Calls the listener on SIGINT and SIGTERM, which then no longer end the process. The returned
   * function removes the listener.
   */
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
