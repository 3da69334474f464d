import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { columns } from "../../../src/report/columns.ts";
import { PLAIN_80 } from "../../support/build/report.ts";

const HEAD = ["NAMESPACE", "WORKLOAD", "TO"];
const WIDE = { ...PLAIN_80, width: undefined };

test("columns are as wide as their widest cell, three spaces apart", () => {
  expect([
    ...columns(
      HEAD,
      [
        ["shop", "deploy/web", "v1"],
        ["payments", "sts/db", "v1.27.9-6"],
      ],
      WIDE,
    ),
  ]).toEqual([
    "NAMESPACE   WORKLOAD     TO",
    "shop        deploy/web   v1",
    "payments    sts/db       v1.27.9-6",
  ]);
});

test("headers can be turned off", () => {
  expect([...columns(HEAD, [["shop", "deploy/web", "v1"]], { ...WIDE, headers: false })]).toEqual([
    "shop   deploy/web   v1",
  ]);
});

test("without rows there are no headers, either", () => {
  expect([...columns(HEAD, [], WIDE)]).toEqual([]);
});

test("a row that does not fit loses the middle of its widest column, with an ellipsis", () => {
  const image = `mcr.microsoft.com/${"x".repeat(80)}/proxyv2:v1.27.9-6`;
  const [, line = ""] = columns(["A", "IMAGE"], [["shop", image]], PLAIN_80);
  expect(line).toHaveLength(80);
  expect(line).toBe(`shop   ${image.slice(0, 24)}…${image.slice(-48)}`);
});

test("cut texts that differ only at the end stay different", () => {
  const long = "r".repeat(120);
  const rows = [
    ["shop", `${long}/proxyv2:v1.27.7-1`],
    ["shop", `${long}/proxyv2:v1.27.9-6`],
  ];
  const [, first, second] = columns(["A", "IMAGE"], rows, PLAIN_80);
  expect(first).toMatch(/v1\.27\.7-1$/);
  expect(second).toMatch(/v1\.27\.9-6$/);
});

test("a row that fits exactly is not cut", () => {
  const image = "x".repeat(73);
  expect([...columns(["A", "IMAGE"], [["shop", image]], PLAIN_80)][1]).toBe(`shop   ${image}`);
});

test("names and revisions, which people copy, are never cut: other columns are cut first", () => {
  const [namespace, workload, image] = ["n".repeat(40), `deploy/${"w".repeat(50)}`, "i".repeat(60)];
  const [, line = ""] = columns(
    ["NAMESPACE", "WORKLOAD", "IMAGE"],
    [[namespace, workload, image]],
    PLAIN_80,
  );
  expect(line).toBe(`${namespace}   ${workload}   iii…iiiiiiii`);
});

test("nothing is cut without a terminal", () => {
  const image = "x".repeat(300);
  expect([...columns(["A", "IMAGE"], [["shop", image]], WIDE)][1]).toBe(`shop   ${image}`);
});

describe("for any cells", () => {
  const cell = fc.string({ unit: fc.constantFrom(...Array.from("abc-/.:1")), maxLength: 60 });
  const rows = fc.array(fc.array(cell, { minLength: 5, maxLength: 5 }), {
    minLength: 1,
    maxLength: 6,
  });
  const head = ["AAA", "BBB", "CCC", "DDD", "EEE"];

  test("a row fits the width, and no line ends in a space", () => {
    // Five columns are never cut below 12: 5 * 12 + 4 * 3.
    fc.assert(
      fc.property(rows, fc.integer({ min: 72, max: 140 }), (cells, width) => {
        const lines = [...columns(head, cells, { ...PLAIN_80, width })];
        expect(lines).toHaveLength(cells.length + 1);
        for (const line of lines) {
          expect(line.length).toBeLessThanOrEqual(width);
          expect(line).toBe(line.trimEnd());
        }
      }),
    );
  });

  test("without a width, every cell is complete", () => {
    fc.assert(
      fc.property(rows, (cells) => {
        const lines = [...columns(head, cells, WIDE)];
        for (const [index, row] of cells.entries()) {
          for (const text of row) expect(lines[index + 1]).toContain(text);
        }
      }),
    );
  });
});
