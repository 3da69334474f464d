import { UNPRINTABLE } from "./plain.ts";

/**
 * Formats a value as JSON. Characters that a terminal would interpret are escaped.
 *
 * @param indent spaces for each level; one line if absent.
 */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(UNPRINTABLE, (found) =>
    found === "\n" ? found : escapeUnits(found),
  );
}

/**
 * Yields the text of `toJson(document, 2)` in pieces: for a large cluster it has tens of megabytes.
 */
export function* jsonPieces(document: object): Generator<string> {
  let before = "{\n";
  for (const [name, value] of Object.entries(document) as [string, unknown][]) {
    if (value === undefined) continue;
    yield `${before}  ${toJson(name)}: `;
    before = ",\n";
    yield* Array.isArray(value) && value.length > 0
      ? itemPieces(value)
      : [toJson(value, 2).replaceAll("\n", "\n  ")];
  }
  yield before === "{\n" ? "{}" : "\n}";
}

function* itemPieces(items: readonly unknown[]): Generator<string> {
  let before = "[\n";
  for (const item of items) {
    yield `${before}    ${toJson(item, 2).replaceAll("\n", "\n    ")}`;
    before = ",\n";
  }
  yield "\n  ]";
}

/** Escapes each UTF-16 unit of a character: `\u202e`. */
function escapeUnits(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
