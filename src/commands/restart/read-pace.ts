import type { Io } from "../../io.ts";
import type { WorkloadListener } from "./watches.ts";

/** The pace at which one workload is read during its rollout. */
export interface ReadPace {
  /**
   * Waits until the next read is due. Without a watch that is the poll interval. With a watch it is
   * soon after a change, but on average not more often than without; and without a change it is some
   * poll intervals, so that a watch that misses a change costs only time.
   *
   * @param answered true if the last read had an answer.
   */
  untilDue(answered: boolean): Promise<void>;
  /** The listener of its watch. */
  readonly listener: WorkloadListener;
}

/**
 * The poll intervals between two reads of a watched workload that does not change, and the longest
 * such time in milliseconds: only a read notices that the timeout is over.
 */
const PATIENCE = 3;
const LONGEST = 3000;

/** The milliseconds in which the changes that follow a change may come: one read shows them all. */
const SETTLE = 50;

/**
 * @param interval the poll interval, in milliseconds, before jitter.
 * @param abort ends every wait.
 */
export function startReadPace(
  io: Pick<Io, "now" | "random" | "sleep">,
  interval: number,
  abort: AbortSignal,
): ReadPace {
  const now = () => io.now().getTime();
  /** True from the first event on: a proxy that holds back events makes a watch useless. */
  let isWatched = false;
  const patient = Math.max(interval, Math.min(PATIENCE * interval, LONGEST));
  /** The time of the first change that no read has shown. */
  let changedAt: number | undefined;
  /** Each read costs a poll interval. Up to one interval without a read is saved for later. */
  let paidUntil = now() + interval;
  let wake = new AbortController();
  abort.addEventListener("abort", () => wake.abort());

  function notice(): void {
    changedAt ??= now();
    wake.abort();
  }

  return {
    async untilDue(answered) {
      const jitter = 0.75 + io.random() / 2;
      const since = now();
      for (;;) {
        const pollAt = since + (isWatched && answered ? patient : interval) * jitter;
        const readAt = changedAt === undefined ? pollAt : Math.max(changedAt + SETTLE, paidUntil);
        const left = Math.min(pollAt, readAt) - now();
        if (left <= 0 || abort.aborted) break;
        wake = new AbortController();
        await io.sleep(left, wake.signal);
      }
      changedAt = undefined;
      paidUntil = Math.max(paidUntil, now() - interval) + interval;
    },
    listener: {
      onEvent: () => {
        isWatched = true;
        notice();
      },
      onClose: () => {
        isWatched = false;
        notice();
      },
    },
  };
}
