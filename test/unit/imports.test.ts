import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { expect, test } from "vitest";

const SRC = new URL("../../src/", import.meta.url).pathname;

/**
 * The folders of `src`, and the files beside them, from the bottom up. A file may import from its own
 * line and from the lines before it. The linter rejects circles within a line.
 */
const FLOORS: readonly (readonly string[])[] = [
  [
    "duration",
    "duration-text",
    "errors",
    "exit-codes",
    "file-format",
    "io",
    "istio-labels",
    "json-object",
    "lease",
    "next-step",
    "shell-word",
    "time-text",
    "url-host",
    "wording",
  ],
  ["deadline", "option-values"],
  ["snapshot", "sidecar-pod"],
  ["kubernetes"],
  ["connection"],
  ["http"],
  ["mesh"],
  ["cluster"],
  ["rollout"],
  ["fleet", "grouping", "scope", "settings"],
  ["report"],
  ["commands"],
  ["program", "usage-error", "cli", "failure", "main"],
];

function floorOf(file: string): number {
  const [top = ""] = file.split("/");
  return FLOORS.findIndex((names) => names.includes(basename(top, ".ts")));
}

/** Returns the imports in a file, type-only and dynamic ones included, as paths below `src`. */
function importsOf(file: string): readonly string[] {
  const text = readFileSync(join(SRC, file), "utf8");
  return [...text.matchAll(/\b(?:from|import\()\s*"(\.[^"]+\.ts)"/g)].map(([, path = ""]) =>
    join(dirname(file), path),
  );
}

const FILES = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".ts"),
);

test("every file in src has a floor", () => {
  expect(FILES.filter((file) => floorOf(file) < 0)).toEqual([]);
});

test("no import leads to a higher floor", () => {
  const upward = FILES.flatMap((file) =>
    importsOf(file)
      .filter((imported) => floorOf(imported) > floorOf(file))
      .map((imported) => `${file} imports ${imported}`),
  );
  expect(upward).toEqual([]);
});

test("cluster does not import mesh", () => {
  const cluster = FILES.filter((file) => file.startsWith("cluster/"));
  expect(cluster.length).toBeGreaterThan(0);
  expect(cluster.flatMap(importsOf).filter((path) => path.startsWith("mesh/"))).toEqual([]);
});
