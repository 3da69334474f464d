import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";
import schema from "../../schema/v1.json" with { type: "json" };
import type { AnyDocument, EventEntry } from "../../src/report/document.ts";

const validate = new Ajv2020({ allErrors: true, validateFormats: false }).compile(schema);

/** The document in a run's stdout, after holding it against the published schema. */
export function parseReport<Kind extends AnyDocument["kind"]>(
  kind: Kind,
  stdout: string,
): Extract<AnyDocument, { readonly kind: Kind }> {
  const document = parseAny(stdout) as Extract<AnyDocument, { readonly kind: Kind }>;
  expect(document.kind).toBe(kind);
  return document;
}

/** Every line of `--output jsonl`, after holding each against the schema. */
export function parseLines(stdout: string): readonly (EventEntry | AnyDocument)[] {
  return stdout.trimEnd().split("\n").map(parseAny) as (EventEntry | AnyDocument)[];
}

function parseAny(text: string): unknown {
  const document: unknown = JSON.parse(text);
  validate(document);
  expect(validate.errors).toBeNull();
  return document;
}
