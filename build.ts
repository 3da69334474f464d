/**
 * Bundles the program into `dist/`, with source maps and the licences of what is bundled:
 * `npm run build`.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { generateSchema } from "./generate-schema.ts";
import { processIo } from "./src/io.ts";
import type * as Program from "./src/main.ts";

const OUT = "dist";
/** Defines `require` for the CommonJS packages in the ES module. */
const REQUIRE =
  "import{createRequire as _require}from'node:module';const require=_require(import.meta.url);";

writeFileSync("schema/v1.json", generateSchema());
rmSync(OUT, { recursive: true, force: true });
const { metafile } = await build({
  entryPoints: ["src/main.ts"],
  outdir: OUT,
  bundle: true,
  splitting: true,
  minify: true,
  platform: "node",
  format: "esm",
  target: "node20.19",
  sourcemap: true,
  metafile: true,
  logLevel: "warning",
  banner: { js: REQUIRE },
});
const bundled = Object.values(metafile.outputs).flatMap(({ inputs }) =>
  Object.entries(inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])),
);
writeFileSync(join(OUT, "THIRD-PARTY-LICENSES"), licences(bundled));

// The output that `bin/` prints without loading the program.
writeFileSync(join(OUT, "version.txt"), await printedBy("--version"));
writeFileSync(join(OUT, "help.txt"), await printedBy("--help"));

async function printedBy(argument: string): Promise<string> {
  let printed = "";
  const out = { write: (text: string) => (printed += text) };
  const { main } = (await import(new URL("dist/main.js", import.meta.url).href)) as typeof Program;
  await main([argument], { ...processIo, stdout: out, stderr: out });
  return printed;
}

/** Returns the full licences of the packages that contain these files. */
function licences(files: readonly string[]): string {
  const folders = files.flatMap(
    (file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? [],
  );
  const texts = [...new Set(folders)].map(licence);
  return [...new Set(texts)].sort().join(`\n${"-".repeat(80)}\n\n`);
}

function licence(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    readonly name: string;
    readonly version: string;
    readonly license?: string;
    readonly author?: string | { readonly name: string };
  };
  const { name, version, license, author } = manifest;
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
