import prettyMilliseconds from "pretty-ms";

/** `10m`, `1m 30s`: milliseconds for a person. */
export function formatDuration(milliseconds: number): string {
  return prettyMilliseconds(milliseconds);
}
