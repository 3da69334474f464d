import prettyMilliseconds from "pretty-ms";

// Apart from `duration.ts`, which every start of the program loads.

/** Formats milliseconds for a person: `10m`, `1m 30s`. */
export function formatDuration(milliseconds: number): string {
  return prettyMilliseconds(milliseconds);
}
