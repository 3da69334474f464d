import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { buildProgram } from "../../src/program.ts";
import { EXIT_MEANINGS } from "../../src/exit-codes.ts";
import { VERDICTS } from "../../src/mesh/assessment.ts";
import manifest from "../../package.json" with { type: "json" };

const read = (name: string) => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");
const README = read("README.md");

const silent = { write: () => true };
const program = buildProgram(
  { stdout: silent, stderr: silent },
  {
    check: async () => {},
    restart: async () => {},
    verify: async () => {},
    explain: async () => {},
    revisions: async () => {},
    completion: async () => {},
    complete: async () => {},
  },
);

describe("the README", () => {
  test("names every flag, and none that does not exist", () => {
    const flags = program.commands.flatMap(({ options }) => options.map(({ long }) => long ?? ""));
    const known = new Set([...flags, "--version", "--help"]);
    const section = README.slice(README.indexOf("### Flags"), README.indexOf("## In CI"));
    const documented = [...section.matchAll(/^\|([^|]*)\|/gm)].flatMap(([, cell = ""]) => [
      ...cell.matchAll(/--[a-z][a-z-]+/g),
    ]);
    expect([...new Set(documented.map(([flag]) => flag))].sort()).toEqual(
      [...new Set(flags)].sort(),
    );
    // kubectl's, npm's and Node's own flags are in examples of those.
    const ours = README.split("\n").filter((line) => line.includes("istio-upgrade "));
    const used = ours.flatMap((line) =>
      [...line.matchAll(/ (--[a-z-]+)/g)].map(([, flag]) => flag),
    );
    expect(used.filter((flag) => !known.has(flag ?? ""))).toEqual([]);
  });

  test("shows the defaults that the flags have", () => {
    for (const { options } of program.commands) {
      for (const { long, defaultValue } of options) {
        if (typeof defaultValue !== "string") continue;
        const row = README.split("\n").find(
          (line) => line.startsWith("|") && line.includes(`${long}\``),
        );
        expect(row, long ?? "").toContain(`\`${defaultValue}\``);
      }
    }
  });

  test("gives every exit code its meaning", () => {
    const rows = [...README.matchAll(/^\| (\d+) +\| (.*?) +\|$/gm)].map(([, code, meaning]) => [
      Number(code),
      meaning,
    ]);
    expect(rows).toEqual(EXIT_MEANINGS);
  });

  test("explains every verdict, in the order in which they are taken", () => {
    const rows = [...README.matchAll(/^\| `([a-z-]+)` +\|.*\|.*\|$/gm)].map(
      ([, verdict]) => verdict,
    );
    expect(rows.slice(-VERDICTS.length)).toEqual(VERDICTS);
  });

  test("and CONTRIBUTING name scripts that exist", () => {
    const scripts = Object.keys(manifest.scripts);
    const named = [...`${README}${read("CONTRIBUTING.md")}`.matchAll(/npm run ([a-z:]+)/g)];
    expect(named.map(([, name]) => name).filter((name) => !scripts.includes(name ?? ""))).toEqual(
      [],
    );
  });
});

test("CONTRIBUTING gives every bundled package its reason", () => {
  const contributing = read("CONTRIBUTING.md");
  const sources = readdirSync(new URL("../../src", import.meta.url), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith(".ts"))
    .map((name) => read(`src/${name}`))
    .join("\n");
  const bundled = Object.keys(manifest.devDependencies).filter((name) =>
    sources.includes(`"${name}"`),
  );
  expect(bundled.length).toBeGreaterThan(5);
  expect(bundled.filter((name) => !contributing.includes(name))).toEqual([]);
});
