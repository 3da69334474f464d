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
 * Yields the text of `toJson(document, 2)` in pieces: for a large cluster it has tens of megabytes. The
 * documents in a list are in pieces, too.
 *
 * @param indent the spaces before each line but the first.
 */
export function* jsonPieces(document: object, indent = ""): Generator<string> {
  let before = "{\n";
  for (const [name, value] of Object.entries(document) as [string, unknown][]) {
    if (value === undefined) continue;
    yield `${before}${indent}  ${toJson(name)}: `;
    before = ",\n";
    if (isList(value)) yield* itemPieces(value, `${indent}  `);
    else yield indented(value, `${indent}  `);
  }
  yield before === "{\n" ? "{}" : `\n${indent}}`;
}

/** Yields the text of `toJson(document)` in pieces. */
export function* jsonLinePieces(document: object): Generator<string> {
  let before = "{";
  for (const [name, value] of Object.entries(document) as [string, unknown][]) {
    if (value === undefined) continue;
    yield `${before}${toJson(name)}:`;
    before = ",";
    if (isList(value)) yield* itemLinePieces(value);
    else yield toJson(value);
  }
  yield before === "{" ? "{}" : "}";
}

/** Ends the last line of a document. */
export function* withEnd(pieces: Iterable<string>): Generator<string> {
  yield* pieces;
  yield "\n";
}

function* itemPieces(items: Iterable<unknown>, indent: string): Generator<string> {
  let before = "[\n";
  for (const item of items) {
    yield `${before}${indent}  `;
    before = ",\n";
    if (isDocument(item)) yield* jsonPieces(item, `${indent}  `);
    else yield indented(item, `${indent}  `);
  }
  yield before === "[\n" ? "[]" : `\n${indent}]`;
}

function* itemLinePieces(items: Iterable<unknown>): Generator<string> {
  let before = "[";
  for (const item of items) {
    yield before;
    before = ",";
    if (isDocument(item)) yield* jsonLinePieces(item);
    else yield toJson(item);
  }
  yield before === "[" ? "[]" : "]";
}

function indented(value: unknown, indent: string): string {
  return toJson(value, 2).replaceAll("\n", `\n${indent}`);
}

/** True for an array, and for a list whose items are created one at a time. */
function isList(value: unknown): value is Iterable<unknown> {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}

function isDocument(item: unknown): item is object {
  return typeof item === "object" && item !== null && "apiVersion" in item;
}

/** Escapes each UTF-16 unit of a character: `\u202e`. */
function escapeUnits(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}
