import parseDuration from "parse-duration";

/** One or more numbers with a unit, as Go's `time.ParseDuration` reads them: `90s`, `1h30m`. */
const GO_DURATION = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/;

/** @returns milliseconds, or `undefined` if the text is not a duration. */
export function readDuration(text: string): number | undefined {
  if (text === "0") return 0;
  return GO_DURATION.test(text) ? (parseDuration(text) ?? undefined) : undefined;
}

/** The same, with days before the rest: `30d`, `1d12h`. */
const WITH_DAYS = /^(?=.)(?:\d+(?:\.\d+)?d)?(?:\d+(?:\.\d+)?(?:ms|s|m|h))*$/;

/** Reads a duration that may have days of 24 hours, as for an age. Otherwise, like `readDuration`. */
export function readLongDuration(text: string): number | undefined {
  return WITH_DAYS.test(text) ? (parseDuration(text) ?? undefined) : readDuration(text);
}

/** Formats milliseconds as a flag takes them: `5m`, `1h30m`, `0.5s`. */
export function goDuration(milliseconds: number): string {
  const hours = Math.floor(milliseconds / 3_600_000);
  const minutes = Math.floor(milliseconds / 60_000) % 60;
  const seconds = (milliseconds % 60_000) / 1000;
  const parts = [
    hours === 0 ? "" : `${hours}h`,
    minutes === 0 ? "" : `${minutes}m`,
    seconds === 0 ? "" : `${seconds}s`,
  ];
  return parts.join("") || "0s";
}
