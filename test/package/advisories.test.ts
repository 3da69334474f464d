import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { bundledPackages } from "../support/package.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

interface Audit {
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string }>>;
  readonly message?: string;
  readonly statusCode?: number;
}

/** Audits all packages: the shipped ones are bundled, so they are development dependencies, too. */
function audit(): Promise<Audit> {
  return new Promise((resolve) => {
    execFile("npm", ["audit", "--json"], { cwd: ROOT }, (_error, stdout) => {
      resolve(
        stdout.trim() === "" ? { message: "npm says nothing" } : (JSON.parse(stdout) as Audit),
      );
    });
  });
}

test("no shipped package has a known advisory", async ({ skip }) => {
  const { vulnerabilities, message, statusCode } = await audit();
  if (vulnerabilities === undefined) {
    const reason = `the registry answers no audits: ${message ?? `HTTP ${statusCode}`}`;
    process.stderr.write(`skipped: ${reason}\n`);
    return skip(reason);
  }
  const shipped = bundledPackages(await readFile(`${ROOT}/dist/THIRD-PARTY-LICENSES`, "utf8"));
  const names = new Set(shipped.map(({ name }) => name));
  const found = Object.entries(vulnerabilities).filter(([name]) => names.has(name));
  expect(found.map(([name, { severity }]) => `${name}: ${severity}`)).toEqual([]);
});
