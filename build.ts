/**
 * Bundles the program into `dist/`, with a source map and the licences of what is bundled:
 * `npm run build`.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateSchema } from "./generate-schema.ts";
import { bundleProgram } from "./packaging/bundle.ts";
import { bundledPackages, licences } from "./packaging/licences.ts";
import { processIo } from "./src/io.ts";
import type * as Program from "./src/main.ts";

const OUT = "dist";

writeFileSync("schema/v1.json", generateSchema());
rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT);
const bundle = await bundleProgram(import.meta.dirname);
writeFileSync(join(OUT, "main.cjs"), bundle.text);
writeFileSync(join(OUT, "main.cjs.map"), bundle.sourceMap);
writeFileSync(join(OUT, "THIRD-PARTY-LICENSES"), licences(bundledPackages(bundle.metafile)));

// The output that `bin/` prints without loading the program.
writeFileSync(join(OUT, "version.txt"), await printedBy("--version"));
writeFileSync(join(OUT, "help.txt"), await printedBy("--help"));

async function printedBy(argument: string): Promise<string> {
  let printed = "";
  const out = { write: (text: string) => (printed += text) };
  const { main } = (await import(new URL("dist/main.cjs", import.meta.url).href)) as typeof Program;
  await main([argument], { ...processIo, stdout: out, stderr: out });
  return printed;
}
