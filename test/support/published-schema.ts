import { Ajv2020 } from "ajv/dist/2020.js";
import schema from "../../schema/v1.json" with { type: "json" };

const validate = new Ajv2020({ allErrors: true, validateFormats: false }).compile(closed(schema));

/** Returns the violations of the published schema; an empty list if there are none. */
export function schemaErrors(document: unknown): readonly unknown[] {
  return validate(document) ? [] : (validate.errors ?? []);
}

/** The schema without room for additions: a property that it does not list is an error. */
export function closed<Schema>(node: Schema): Schema {
  if (typeof node !== "object" || node === null) return node;
  if (Array.isArray(node)) return node.map(closed) as Schema;
  const entries = Object.entries(node).map(([name, value]) => [name, closed(value)]);
  // A map has a schema for its values instead.
  const isMap = "additionalProperties" in node && typeof node.additionalProperties === "object";
  const isObjectSchema = "type" in node && node.type === "object" && !isMap;
  return Object.fromEntries(
    isObjectSchema ? [...entries, ["additionalProperties", false]] : entries,
  ) as Schema;
}
