/**
 * Bundles the program into `dist/`, with source maps and the licences of what is bundled:
 * `npm run build`.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { processIo } from "./src/io.ts";
import type * as Program from "./src/main.ts";

const OUT = "dist";
/** CommonJS packages inside an ES module. */
const REQUIRE =
  "import{createRequire as _require}from'node:module';const require=_require(import.meta.url);";

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

// What `bin/` answers without loading the program.
writeFileSync(join(OUT, "version.txt"), await printedBy("--version"));
writeFileSync(join(OUT, "help.txt"), await printedBy("--help"));

async function printedBy(argument: string): Promise<string> {
  let printed = "";
  const out = { write: (text: string) => (printed += text) };
  const { main } = (await import(new URL("dist/main.js", import.meta.url).href)) as typeof Program;
  await main([argument], { ...processIo, stdout: out, stderr: out });
  return printed;
}

/** The licences of the packages that files are from, each in full. */
function licences(files: readonly string[]): string {
  const folders = files.map((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0]);
  const texts = [...new Set(folders)].flatMap((folder) => (folder ? [licence(folder)] : []));
  return [...new Set(texts)].sort().join(`\n${"-".repeat(80)}\n\n`);
}

function licence(folder: string): string {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    readonly name: string;
    readonly version: string;
    readonly license?: string;
  };
  const { name, version, license } = manifest;
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  if (license === undefined && files.length === 0) throw new Error(`${name} has no licence`);
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8").trim());
  return [`${name} ${version}, ${license ?? "as follows"}`, ...texts].join("\n\n").concat("\n");
}
