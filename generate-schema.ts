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
  return `${JSON.stringify(schema, undefined, 2).replaceAll("#/definitions/", "#/$defs/")}\n`;
}
