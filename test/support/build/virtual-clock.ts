import type { Io } from "../../../src/io.ts";
import { type RecordedIo, recordedIo } from "./recorded-io.ts";

/** A sleeping promise. */
interface Sleeper {
  readonly until: number;
  readonly wake: () => void;
}

export interface VirtualIo extends RecordedIo {
  /** Milliseconds since the start. */
  elapsed(): number;
}

const START = Date.parse("2026-11-22T20:00:00Z");
const ONE_HOUR = 3_600_000;

/**
 * Returns an Io whose clock moves only during sleeps: once all other work is waiting, the clock
 * jumps to the end of the next sleep. Sleeps that end at the same time end in the order in which
 * they began. Code that waits for anything except a promise, such as the network, must not use it.
 */
export function virtualIo(env: Io["env"] = {}): VirtualIo {
  const sleepers: Sleeper[] = [];
  let now = START;
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled || sleepers.length === 0) return;
    isScheduled = true;
    // By then all promises that can be settled are.
    setImmediate(() => {
      isScheduled = false;
      wakeNext();
      schedule();
    });
  }

  function wakeNext(): void {
    const until = Math.min(...sleepers.map((sleeper) => sleeper.until));
    const next = sleepers.find((sleeper) => sleeper.until === until);
    if (next === undefined) return;
    now = Math.max(now, next.until);
    next.wake();
  }

  return {
    ...recordedIo(env),
    now: () => new Date(now),
    elapsed: () => now - START,
    random: () => 0.5,
    sleep: (milliseconds, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted === true) return resolve();
        if (now - START > ONE_HOUR) return reject(new Error("the loop does not end"));
        const leave = () => {
          const index = sleepers.indexOf(sleeper);
          if (index >= 0) sleepers.splice(index, 1);
          signal?.removeEventListener("abort", leave);
          resolve();
        };
        const sleeper = { until: now + Math.max(0, milliseconds), wake: leave };
        sleepers.push(sleeper);
        signal?.addEventListener("abort", leave);
        schedule();
      }),
  };
}
