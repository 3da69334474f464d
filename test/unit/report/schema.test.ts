import { expect, test } from "vitest";
import schema from "../../../schema/v1.json" with { type: "json" };
import { VERDICTS } from "../../../src/mesh/assessment.ts";
import { GAP_REASONS } from "../../../src/snapshot.ts";

test("the schema knows every verdict, and every reason of a gap", () => {
  const { gap, workload } = schema.$defs;
  expect(gap.properties.reason.enum).toEqual([...GAP_REASONS]);
  expect(workload.properties.verdict).toEqual({ $ref: "#/$defs/verdict" });
  expect(schema.$defs.verdict.enum.toSorted()).toEqual(VERDICTS.toSorted());
});
