import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { main } from "../../src/main.ts";
import { recordedIo } from "../support/build/recorded-io.ts";
import { runProgram } from "../support/run-program.ts";

const DIST = fileURLToPath(new URL("../../dist", import.meta.url));

/** Module hooks that print the URL of every loaded module to stderr. */
const HOOKS = `
  import { writeSync } from "node:fs";
  export async function load(url, context, next) {
    if (url.startsWith("file:")) writeSync(2, "loaded " + url + "\\n");
    return next(url, context);
  }`;
const REGISTER = `
  import { register } from "node:module";
  register("data:text/javascript,${encodeURIComponent(HOOKS)}");`;

/** Returns the files of `dist/` that a run loads, and the packages that are bundled into them. */
async function loadedBy(...args: string[]) {
  const { stderr } = await runProgram(args, {
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(REGISTER)}`,
  });
  const files = [...stderr.matchAll(/^loaded (.*\/dist\/.*)$/gm)].map(([, url = ""]) =>
    fileURLToPath(url),
  );
  return {
    files: files.map((file) => basename(file)),
    packages: packagesIn(files.map((file) => `${file}.map`)),
  };
}

/** Returns the packages that the source maps name. */
function packagesIn(maps: readonly string[]): readonly string[] {
  const sources = maps.flatMap(
    (map) => (JSON.parse(readFileSync(map, "utf8")) as { sources: string[] }).sources,
  );
  const packages = sources.flatMap(
    (source) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? [],
  );
  return [...new Set(packages)].sort();
}

// The loaded modules determine the start time, and counting them needs no clock.
test.each([[["--version"]], [["--help"]], [["-h"]], [[]]])(
  "%j loads no module of the program",
  async (args) => {
    expect(await loadedBy(...args)).toEqual({ files: [], packages: [] });
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
  "%j loads no heavy module",
  async (args) => {
    const { files, packages } = await loadedBy(...args);
    expect(files).toContain("main.js");
    expect(packages).toEqual(["commander", "parse-duration"]);
  },
);

test("check loads only what it needs: no proxy agent without a proxy", async () => {
  const folder = mkdtempSync(join(tmpdir(), "start-"));
  const kubeconfig = join(folder, "config");
  writeFileSync(
    kubeconfig,
    `clusters: [{ name: one, cluster: { server: "http://127.0.0.1:1" } }]
contexts: [{ name: one, context: { cluster: one } }]
current-context: one`,
  );
  const { packages } = await loadedBy("check", "--kubeconfig", kubeconfig);
  rmSync(folder, { recursive: true });
  expect(packages).toEqual([
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
});

test("the licence of every bundled package is published", () => {
  const licences = readFileSync(join(DIST, "THIRD-PARTY-LICENSES"), "utf8");
  const maps = readdirSync(DIST).filter((file) => file.endsWith(".map"));
  const packages = packagesIn(maps.map((file) => join(DIST, file)));
  expect(packages.length).toBeGreaterThan(20);
  const missing = packages.filter((name) => !new RegExp(`^${name} \\d`, "m").test(licences));
  expect(missing).toEqual([]);
});
