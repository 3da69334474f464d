/**
 * Checks the English of the documents, and the length of their lines: `node lint/markdown.js`. Exits 1 if
 * something is found.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findPhrases } from "./phrases.js";

const documents = [".", "docs", "deploy"].flatMap((folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(folder, name)),
);

/** The most characters in a line of prose. Tables and code may have longer lines. */
const WIDTH = 110;

let found = 0;
for (const file of documents) {
  // Blanks keep the line numbers: code is not prose, and a phrase may continue on the next line.
  const prose = readFileSync(file, "utf8").replaceAll(/^```.*?^```|`[^`\n]*`/gmsu, (code) =>
    code.replaceAll(/[^\n]/gu, "#"),
  );
  for (const { phrase, index, instead } of findPhrases(prose.replaceAll(/\s/gu, " "))) {
    const line = prose.slice(0, index).split("\n").length;
    process.stdout.write(`${file}:${line}: replace "${phrase}": ${instead}\n`);
    found += 1;
  }
  for (const [index, line] of prose.split("\n").entries()) {
    if (line.length <= WIDTH || /^[|#]/u.test(line)) continue;
    process.stdout.write(
      `${file}:${index + 1}: break the line: it has ${line.length} characters\n`,
    );
    found += 1;
  }
}
process.exitCode = found === 0 ? 0 : 1;
