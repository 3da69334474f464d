import { expect } from "vitest";
import type { JsonLine } from "../../src/report/document.ts";
import { problemOfSteps } from "./pasted-steps.ts";
import { schemaErrors } from "./published-schema.ts";

/**
 * Parses the document in a run's stdout, validates it against the published schema, and checks that
 * its next steps can be pasted.
 */
export function parseReport<Kind extends JsonLine["kind"]>(
  kind: Kind,
  stdout: string,
): Extract<JsonLine, { readonly kind: Kind }> {
  const document = parseAny(stdout) as Extract<JsonLine, { readonly kind: Kind }>;
  expect(document.kind).toBe(kind);
  expect(problemOfSteps(document)).toBeUndefined();
  return document;
}

/** Parses every line of `--output jsonl` and validates each against the published schema. */
export function parseLines(stdout: string): readonly JsonLine[] {
  return stdout.trimEnd().split("\n").map(parseAny) as JsonLine[];
}

function parseAny(text: string): unknown {
  const document: unknown = JSON.parse(text);
  expect(schemaErrors(document)).toEqual([]);
  return document;
}
