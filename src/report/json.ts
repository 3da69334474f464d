import { UNSEEN } from "./plain.ts";

/**
 * The same value for whoever parses it, in characters that a terminal may be shown.
 *
 * @param indent spaces for each level; without it, one line.
 */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(UNSEEN, (found) =>
    found === "\n" ? found : escapedUnits(found),
  );
}

/** `\u202e`, or both halves of a character that has two. */
function escapedUnits(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
