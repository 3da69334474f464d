import type { Age } from "../mesh/age.ts";
import { count } from "../wording.ts";
import type { AgeEntry, Report } from "./document.ts";
import { secondsOf, UNITS } from "./iso-duration.ts";

/** Returns the age that an entry has. */
export function readAge({ atLeast, atMost }: AgeEntry): Age {
  return {
    atLeast: atLeast === null ? undefined : secondsOf(atLeast),
    atMost: atMost === null ? undefined : secondsOf(atMost),
  };
}

/**
 * Formats an age for a table: `>8d`, or `<31d` if only the upper bound is known. Empty if there is no
 * age.
 *
 * @param wide true for both bounds: `>8d,<31d`.
 */
export function ageCell(entry: AgeEntry | undefined, wide = false): string {
  if (entry === undefined) return "";
  const { atLeast, atMost } = readAge(entry);
  const bounds = [
    ...(atLeast === undefined ? [] : [`>${roundedDown(atLeast)}`]),
    ...(atMost === undefined ? [] : [`<${roundedUp(atMost)}`]),
  ];
  return (wide ? bounds.join() : bounds[0]) || "?";
}

/** Formats an age within a sentence: ` for at least 8d`. Empty if it is unknown. */
export function ageClause(entry: AgeEntry | undefined): string {
  if (entry === undefined) return "";
  const { atLeast, atMost } = readAge(entry);
  if (atLeast !== undefined) return ` for at least ${roundedDown(atLeast)}`;
  return atMost === undefined ? "" : ` for at most ${roundedUp(atMost)}`;
}

/** `oldest has been outdated for at least 8d`. Empty if that is unknown, and for a restart. */
export function oldestText({ kind, summary }: Pick<Report, "kind" | "summary">): string {
  const age = kind === "RestartReport" ? "" : ageClause(summary.oldest);
  return age === "" ? "" : `oldest has been outdated${age}`;
}

/** Formats seconds in the largest unit that is not zero: `8d`, `5h`, `0s`. */
export function roundedDown(seconds: number): string {
  return rounded(seconds, Math.floor);
}

function roundedUp(seconds: number): string {
  return rounded(seconds, Math.ceil);
}

function rounded(seconds: number, round: (number: number) => number): string {
  const [unit, , size] = UNITS.find(([, , each]) => seconds >= each) ?? SECOND;
  return `${round(seconds / size)}${unit}`;
}

const SECOND = UNITS[3];

/** Formats the value of `--max-age`: `within 30 days`. */
export function limitText(maxAge: string): string {
  const seconds = secondsOf(maxAge);
  const [, name, size] = UNITS.find(([, , each]) => seconds % each === 0) ?? SECOND;
  return `within ${count(seconds / size, name)}`;
}
