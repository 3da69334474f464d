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

/**
 * The text of `toJson(document, 2)`, member by member and item by item: of a large cluster it is tens
 * of megabytes that nobody needs at once.
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

/** `\u202e`, or both halves of a character that has two. */
function escapedUnits(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
