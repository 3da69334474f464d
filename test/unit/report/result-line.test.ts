import { expect, test } from "vitest";
import { resultLine } from "../../../src/report/result-line.ts";

const COUNTS = {
  outdated: 9,
  "would-lose": 1,
  blocked: 0,
  "by-hand": 3,
  missing: 2,
  unknown: 0,
  gaps: 0,
};

test("the result is one line of fields", () => {
  expect(resultLine(2, "prod", COUNTS)).toBe(
    "RESULT exit=2 cluster=prod outdated=9 would-lose=1 blocked=0 by-hand=3 missing=2 unknown=0 gaps=0",
  );
});

test.each([
  ["my cluster\u00a0eu", "my_cluster_eu"],
  ["prod\nRESULT exit=0", "prod_RESULT_exit=0"],
  ["\u001b[31mprod", "prod"],
])("a context called %j adds no field and no line", (context, shown) => {
  const line = resultLine(2, context, COUNTS);
  expect(line).toContain(` cluster=${shown} outdated=9 `);
  expect(line.split(" ")).toHaveLength(10);
});
