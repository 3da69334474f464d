import { DEFAULT_SCHEMA, load, Type } from "js-yaml";
import { capitalized } from "../wording.ts";

/** The booleans of YAML 1.1, in the spellings that it allows. */
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...["y", "yes", "true", "on"].flatMap((word) => spellings(word, true)),
  ...["n", "no", "false", "off"].flatMap((word) => spellings(word, false)),
]);

function spellings(word: string, value: boolean): readonly (readonly [string, boolean])[] {
  return [word, capitalized(word), word.toUpperCase()].map((spelling) => [spelling, value]);
}

const SCHEMA = DEFAULT_SCHEMA.extend({
  implicit: [
    new Type("tag:yaml.org,2002:bool", {
      kind: "scalar",
      resolve: (text: string | null) => BOOLEANS.has(text ?? ""),
      construct: (text: string) => BOOLEANS.get(text),
    }),
  ],
});

/**
 * Parses the first document of a YAML file as kubectl does: with the booleans of YAML 1.1, with the last
 * of several equal keys, and without the documents that follow.
 *
 * @see https://github.com/yaml/go-yaml/blob/v2/resolve.go
 * @throws YAMLException
 */
export function parseFirstDocument(text: string): unknown {
  return load(firstDocument(text), { json: true, schema: SCHEMA });
}

/** A line that begins or ends a document. No scalar can contain it (YAML 1.2, section 9.1.2). */
const MARKER = /^(?:---|\.\.\.)(?=\s|$)/;

function firstDocument(text: string): string {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => !/^(?:%|\s*(?:#|$))/.test(line));
  const end = lines.findIndex((line, index) => index > start && MARKER.test(line));
  return end < 0 ? text : lines.slice(0, end).join("\n");
}
