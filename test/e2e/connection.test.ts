import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CASES } from "../connection/cases.ts";
import { type Client, clientNode, OURS } from "../connection/clients.ts";
import { compareClient, comparisonTable } from "../connection/compare.ts";
import { arrivesRight, complaints, seen, wanted } from "../connection/expect.ts";
import { type Bench, openBench, runnableCases } from "../connection/run.ts";

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.stop());

// `test/testbed/kubeconfig.test.ts` runs the same cases with kubectl.
describe.each(Object.entries(runnableCases(CASES)))("%s", (_, cases) => {
  test.each(cases)("$name", async (one) => {
    const arrival = await bench.run(OURS, one);
    expect(seen(arrival), arrival.ran.stderr).toEqual(wanted(one.expect));
    expect(complaints(OURS, one, arrival), arrival.ran.stderr).toEqual([]);
  });
});

// `npm run connection` runs client-node on every case. If a version of client-node gets one of these
// right, its table in CONTRIBUTING.md is out of date, and the decision that it supports is open again.
describe("client-node", () => {
  let client: Client;
  beforeAll(async () => {
    client = await clientNode();
  });
  const caseOf = (name: string) => {
    const found = Object.values(CASES)
      .flat()
      .find((one) => one.name === name);
    if (found === undefined) throw new Error(`there is no case ${name}`);
    return found;
  };

  test.each(["one file in KUBECONFIG", "--context overrides current-context", "JSON"])(
    "connects as kubectl does: %s",
    async (name) => {
      const one = caseOf(name);
      const arrival = await bench.run(client, one);
      expect([arrivesRight(client, one, arrival), arrival.ran.stderr]).toEqual([
        true,
        expect.stringContaining("403"),
      ]);
    },
  );

  test.each<[name: string, instead: object]>([
    [
      "the first current-context in any file",
      { requests: [{ authorization: "Bearer one" }], namespaces: ["default"] },
    ],
    ["tokenFile with a path relative to the kubeconfig", { requests: [{ impersonation: {} }] }],
    [
      "as, as-uid, as-groups and as-user-extra in the kubeconfig",
      { requests: [{ impersonation: { "impersonate-user": ["alice"] } }] },
    ],
    ["NO_PROXY=pi.test", { refused: true }],
    ["three files, the middle one missing", { refused: true }],
  ])("connects differently: %s", async (name, instead) => {
    const one = caseOf(name);
    const arrival = await bench.run(client, one);
    expect(arrivesRight(client, one, arrival)).toBe(false);
    expect(seen(arrival)).toMatchObject(instead);
    expect(JSON.stringify(seen(arrival))).not.toContain("first");
  });

  test("keeps a plugin's prompt from the user", async () => {
    const one = caseOf("v1: the plugin runs once, with its input, and its prompt is visible");
    const arrival = await bench.run(client, one);
    expect(arrival.ran.stderr).not.toContain("To sign in");
  });
});

test("the table counts the cases that a client gets right", async () => {
  const files = CASES["files"]?.slice(0, 2) ?? [];
  const cases = {
    files,
    users: [{ ...(files[0] as (typeof files)[number]), expect: { refused: "no" } }],
  };
  expect(comparisonTable(await compareClient(bench, OURS, cases))).toBe(
    [
      "| cases | number | istio-upgrade |",
      "| :---- | -----: | ------------: |",
      "| files |      2 |         2 (2) |",
      "| users |      1 |         0 (0) |",
      "| all   |      3 |         2 (2) |",
    ].join("\n"),
  );
});

test("CONTRIBUTING has the table of all the cases", () => {
  const text = readFileSync(new URL("../../CONTRIBUTING.md", import.meta.url), "utf8");
  const rows = Object.entries(CASES).map(([group, cases]) => [group, cases.length] as const);
  const all = rows.reduce((sum, [, number]) => sum + number, 0);
  for (const [group, number] of [...rows, ["all", all] as const]) {
    expect(text).toMatch(
      new RegExp(`^\\| ${group} +\\| +${number} \\| +${number} \\(${number}\\) `, "m"),
    );
  }
});
