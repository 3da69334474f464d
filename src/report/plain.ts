import { stripVTControlCharacters } from "node:util";

/**
 * Text from a cluster as one line that a terminal can be shown: no escape sequences, no control
 * characters, no marks that turn the direction of what follows.
 */
export function plain(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\s+/g, " ")
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "")
    .trim();
}
