import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";
import schema from "../../schema/v1.json" with { type: "json" };
import type { JsonLine } from "../../src/report/document.ts";

const validate = new Ajv2020({ allErrors: true, validateFormats: false }).compile(closed(schema));

/** Parses the document in a run's stdout and validates it against the published schema. */
export function parseReport<Kind extends JsonLine["kind"]>(
  kind: Kind,
  stdout: string,
): Extract<JsonLine, { readonly kind: Kind }> {
  const document = parseAny(stdout) as Extract<JsonLine, { readonly kind: Kind }>;
  expect(document.kind).toBe(kind);
  return document;
}

/** Parses every line of `--output jsonl` and validates each against the published schema. */
export function parseLines(stdout: string): readonly JsonLine[] {
  return stdout.trimEnd().split("\n").map(parseAny) as JsonLine[];
}

/** The schema without room for additions: a property that it does not list is an error. */
export function closed<Schema>(node: Schema): Schema {
  if (typeof node !== "object" || node === null) return node;
  if (Array.isArray(node)) return node.map(closed) as Schema;
  const entries = Object.entries(node).map(([name, value]) => [name, closed(value)]);
  const isObjectSchema = "type" in node && node.type === "object";
  return Object.fromEntries(
    isObjectSchema ? [...entries, ["additionalProperties", false]] : entries,
  ) as Schema;
}

function parseAny(text: string): unknown {
  const document: unknown = JSON.parse(text);
  validate(document);
  expect(validate.errors).toBeNull();
  return document;
}
