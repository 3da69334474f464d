/** Formats a time in RFC 3339 without fractions of a second, as kubectl writes it. */
export function formatTime(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}
