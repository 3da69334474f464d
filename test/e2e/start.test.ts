import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { main } from "../../src/main.ts";
import { recordedIo } from "../support/build/recorded-io.ts";
import { runProgram } from "../support/run-program.ts";

const DIST = fileURLToPath(new URL("../../dist", import.meta.url));

/** A script as V8 measured its coverage. */
interface Coverage {
  readonly url: string;
  readonly functions: readonly {
    readonly ranges: readonly { readonly startOffset: number; readonly count: number }[];
  }[];
}

/** Returns the original files of the functions that a run calls, as far as they are in the bundle. */
async function filesRunBy(...args: string[]): Promise<readonly string[]> {
  const folder = mkdtempSync(join(tmpdir(), "coverage-"));
  await runProgram(args, { NODE_V8_COVERAGE: folder, XDG_CACHE_HOME: folder });
  const script = readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), "utf8")).result as Coverage[])
    .find(({ url }) => url.endsWith("/dist/main.cjs"));
  rmSync(folder, { recursive: true });
  if (script === undefined) return [];
  const called = script.functions.filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0);
  return [...new Set(called.flatMap(({ ranges }) => sourceAt(ranges[0]?.startOffset ?? 0)))];
}

/** The part of the wrapper before the bundle. */
const WRAPPER = "(function (exports, require, module) {".length;

const BUNDLE = readFileSync(join(DIST, "main.cjs"), "utf8");
const MAP = JSON.parse(readFileSync(join(DIST, "main.cjs.map"), "utf8")) as SourceMapPayload;
const SOURCES = new SourceMap(MAP);

function sourceAt(offset: number): readonly string[] {
  const before = BUNDLE.slice(0, Math.max(0, offset - WRAPPER)).split("\n");
  const entry = SOURCES.findEntry(before.length - 1, before.at(-1)?.length ?? 0);
  return "originalSource" in entry ? [entry.originalSource] : [];
}

/** Returns the packages that these files belong to. */
function packagesIn(files: readonly string[]): readonly string[] {
  const packages = files.flatMap(
    (file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? [],
  );
  return [...new Set(packages)].sort();
}

// The modules that are evaluated determine the start time, and counting them needs no clock.
test.each([[["--version"]], [["--help"]], [["-h"]], [[]]])(
  "%j loads no module of the program",
  async (args) => {
    expect(await filesRunBy(...args)).toEqual([]);
  },
);

test("the texts that the build stores are what the program prints", async () => {
  for (const argument of ["--version", "--help"]) {
    const io = recordedIo();
    await main([argument], io);
    expect((await runProgram([argument])).stdout).toBe(io.written.stdout);
  }
});

test.each([[["check", "--help"]], [["chek"]], [["restart"]], [["check", "--output", "yml"]]])(
  "%j evaluates no heavy module",
  async (args) => {
    const files = await filesRunBy(...args);
    expect(files).toContain("../src/cli.ts");
    expect(packagesIn(files)).toEqual(["commander", "parse-duration"]);
  },
);

test("check evaluates only what it needs: no proxy agent without a proxy", async () => {
  const folder = mkdtempSync(join(tmpdir(), "start-"));
  const kubeconfig = join(folder, "config");
  writeFileSync(
    kubeconfig,
    `clusters: [{ name: one, cluster: { server: "http://127.0.0.1:1" } }]
contexts: [{ name: one, context: { cluster: one } }]
current-context: one`,
  );
  const files = await filesRunBy("check", "--kubeconfig", kubeconfig);
  rmSync(folder, { recursive: true });
  expect(packagesIn(files)).toEqual([
    "@kubernetes/client-node",
    "chalk",
    "commander",
    "js-yaml",
    "p-limit",
    "parse-duration",
    "pbf",
    "semver",
    "yocto-queue",
  ]);
  // Few runs make a page.
  expect(files.filter((file) => file.includes("/report/html/"))).toEqual([]);
});

test("the licence of every bundled package is published", () => {
  const licences = readFileSync(join(DIST, "THIRD-PARTY-LICENSES"), "utf8");
  const packages = packagesIn(MAP.sources);
  expect(packages.length).toBeGreaterThan(20);
  const missing = packages.filter((name) => !new RegExp(`^${name} \\d`, "m").test(licences));
  expect(missing).toEqual([]);
});
