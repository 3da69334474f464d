/**
 * Returns the time that a restart writes.
 *
 * @param last the time that the workload has now. The same time again would change nothing, and the
 *   restart that wrote it would be taken for this one.
 */
export function chooseRestartTime(now: Date, last: string | undefined): string {
  const time = formatRestartTime(now);
  return time === last ? formatRestartTime(new Date(now.getTime() + 1000)) : time;
}

/** Formats a time as kubectl writes it: RFC 3339 without fractions of a second. */
export function formatRestartTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
