import { createGenerator } from "ts-json-schema-generator";

/** The JSON Schema of the published documents, generated from their types. */
export function generateSchema(): string {
  const generator = createGenerator({
    path: "src/report/document.ts",
    type: "JsonLine",
    tsconfig: "tsconfig.json",
    topRef: false,
    sortProps: false,
    // Later releases may add properties.
    additionalProperties: true,
    // The generator brings an older TypeScript; `npm run typecheck` checks the types.
    skipTypeCheck: true,
  });
  const { anyOf, definitions } = generator.createSchema("JsonLine");
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "https://istio-upgrade.dev/schema/v1.json",
    title: "Documents of istio-upgrade",
    description:
      "The documents that --json prints. Within v1, names may be added, but none is renamed or removed.",
    anyOf,
    $defs: definitions,
  };
  return `${JSON.stringify(schema, mapsByPattern, 2).replaceAll("#/definitions/", "#/$defs/")}\n`;
}

/**
 * Describes the values of a map by a pattern that every name matches, so that a schema which is closed
 * to other properties still accepts them.
 */
function mapsByPattern(_key: string, value: unknown): unknown {
  const isMap =
    typeof value === "object" &&
    value !== null &&
    "additionalProperties" in value &&
    typeof value.additionalProperties === "object";
  if (!isMap) return value;
  const { additionalProperties, ...rest } = value as { additionalProperties: object };
  return { ...rest, patternProperties: { "": additionalProperties } };
}
