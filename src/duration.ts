import parseDuration from "parse-duration";

/** One or more numbers with a unit, as Go's `time.ParseDuration` reads them: `90s`, `1h30m`. */
const GO_DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;

/** @returns milliseconds, or `undefined` if the text is not a duration. */
export function readDuration(text: string): number | undefined {
  if (text === "0") return 0;
  return GO_DURATION.test(text) ? (parseDuration(text) ?? undefined) : undefined;
}
