/** A timer that runs from the last progress. Attempting, following and waiting share its rules. */
export interface Stall<Mark> {
  /** The time of the last progress, in milliseconds since the epoch. */
  readonly since: number;
  /** The state, or the highest count, at the last progress; `undefined` before the first. */
  readonly mark: Mark | undefined;
}

export function startStall<Mark>(now: number): Stall<Mark> {
  return { since: now, mark: undefined };
}

/** Restarts the timer if the state has changed. */
export function noteState(stall: Stall<string>, state: string, now: number): Stall<string> {
  return state === stall.mark ? stall : { since: now, mark: state };
}

/**
 * Restarts the timer if the count is higher than ever before: pods that become ready and unready
 * again and again are no progress.
 */
export function noteCount(stall: Stall<number>, count: number, now: number): Stall<number> {
  return count > (stall.mark ?? -1) ? { since: now, mark: count } : stall;
}

/** @param timeout milliseconds that may pass without progress. */
export function isStalled({ since }: Stall<unknown>, timeout: number, now: number): boolean {
  return now - since >= timeout;
}
