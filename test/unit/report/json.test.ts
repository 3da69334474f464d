import * as fc from "fast-check";
import { expect, test } from "vitest";
import { jsonPieces, toJson } from "../../../src/report/json.ts";

test("the pieces of a document form the same text", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (document) => {
      expect([...jsonPieces(document)].join("")).toBe(toJson(document, 2));
    }),
  );
  const edges = { none: undefined, no: null, empty: [], deep: [[], {}, [{ a: [1, "\n"] }]] };
  expect([...jsonPieces(edges)].join("")).toBe(toJson(edges, 2));
  expect([...jsonPieces({})].join("")).toBe("{}");
});
