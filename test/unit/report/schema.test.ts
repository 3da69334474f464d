import { Ajv2020 } from "ajv/dist/2020.js";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { generateSchema } from "../../../generate-schema.ts";
import schema from "../../../schema/v1.json" with { type: "json" };
import { VERDICTS } from "../../../src/mesh/verdict.ts";
import { GAP_REASONS } from "../../../src/snapshot.ts";
import { checkReport } from "../../support/build/report.ts";
import { closed } from "../../support/published-schema.ts";

describe("the published schema", () => {
  // The generator compiles the whole program.
  test("is the one that the document's types generate", { timeout: 300_000 }, () => {
    expect(readFileSync("schema/v1.json", "utf8")).toBe(generateSchema());
  });

  test("lists every verdict and every reason for a gap", () => {
    const { GapEntry, GapReason, WorkloadEntry, Verdict } = schema.$defs;
    expect(GapEntry.properties.reason).toEqual({ $ref: "#/$defs/GapReason" });
    expect(GapReason.enum).toEqual([...GAP_REASONS]);
    expect(WorkloadEntry.properties.verdict).toEqual({ $ref: "#/$defs/Verdict" });
    expect(Verdict.enum.toSorted()).toEqual(VERDICTS.toSorted());
  });
});

describe("an additional property", () => {
  const compile = (from: object) => new Ajv2020({ validateFormats: false }).compile(from);
  const [isPublished, isClosed] = [compile(schema), compile(closed(schema))];
  const report = checkReport();

  test.each<[where: string, document: object]>([
    ["at the top", { ...report, added: true }],
    ["in a nested object", { ...report, cluster: { ...report.cluster, added: true } }],
    ["in an entry", { ...report, summary: { ...report.summary, added: true } }],
  ])("is valid in the published schema and invalid in tests: %s", (_where, document) => {
    expect(isPublished(document)).toBe(true);
    expect(isClosed(document)).toBe(false);
    expect(isClosed(report)).toBe(true);
  });
});
