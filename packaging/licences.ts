import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Metafile } from "esbuild";

/** A package that esbuild has included in the program. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** An SPDX expression. */
  readonly license?: string;
  readonly author?: string | { readonly name: string };
  readonly homepage?: string;
  /** The folder that has it, such as `node_modules/semver`. */
  readonly folder: string;
}

/** Returns the packages that contribute at least one byte to the output. */
export function bundledPackages({ outputs }: Metafile): readonly BundledPackage[] {
  const files = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([file, { bytesInOutput }]) =>
      bytesInOutput > 0 ? [file] : [],
    ),
  );
  const folders = files.flatMap(
    (file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? [],
  );
  return [...new Set(folders)].sort().map((folder) => ({
    ...(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as BundledPackage),
    folder,
  }));
}

/** Returns the full licences of these packages, and other texts after them. */
export function licences(
  packages: readonly BundledPackage[],
  others: readonly string[] = [],
): string {
  const texts = [...new Set(packages.map(licence))].sort();
  return [...texts, ...others].join(`\n${"-".repeat(80)}\n\n`);
}

function licence({ name, version, license, author, folder }: BundledPackage): string {
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8").trim());
  if (texts.length === 0) {
    const holder = typeof author === "object" ? author.name : author;
    if (license !== "MIT" || holder === undefined) throw new Error(`${name} has no licence`);
    texts.push(mit(holder));
  }
  return [`${name} ${version}, ${license ?? "as follows"}`, ...texts].join("\n\n").concat("\n");
}

/** Returns the licence text for packages that name the MIT licence but do not contain its text. */
function mit(holder: string): string {
  return `Copyright (c) ${holder}

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.`;
}
