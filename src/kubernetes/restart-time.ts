import { formatTime } from "../time-text.ts";

/**
 * Returns the time that a restart writes.
 *
 * @param last the time that the workload has now. The same time again would change nothing, and the
 *   restart that wrote it would be taken for this one.
 */
export function chooseRestartTime(now: Date, last: string | undefined): string {
  const time = formatTime(now);
  return time === last ? formatTime(new Date(now.getTime() + 1000)) : time;
}
