/** The units of a duration, the largest first, with their seconds. A day has 24 hours. */
export const UNITS = [
  ["d", "day", 86_400],
  ["h", "hour", 3600],
  ["m", "minute", 60],
  ["s", "second", 1],
] as const;

/** Formats seconds as a duration in ISO 8601, with days of 24 hours: `P8DT4H`, `PT0S`. */
export function isoDuration(seconds: number): string {
  let rest = seconds;
  const parts = UNITS.map(([unit, , size]) => {
    const number = size === 1 ? rest : Math.floor(rest / size);
    rest -= number * size;
    return number === 0 ? "" : `${number}${unit.toUpperCase()}`;
  });
  const [days = "", ...time] = parts;
  const clock = time.join("");
  if (days + clock === "") return "PT0S";
  return `P${days}${clock === "" ? "" : `T${clock}`}`;
}

const DURATION = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;

/** Returns the seconds of a duration that `isoDuration` formatted. */
export function secondsOf(duration: string): number {
  const [, ...numbers] = DURATION.exec(duration) ?? [];
  return UNITS.reduce((sum, [, , size], index) => sum + Number(numbers[index] ?? 0) * size, 0);
}
