import { execFile } from "node:child_process";
import { chmod, readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { withoutSignature } from "./authenticode.ts";
import type { Bundle } from "./bundle.ts";
import { BUILDER, type Platform } from "./platforms.ts";
import { unpackNode } from "./node-package.ts";
import { signAdHoc } from "./signature.ts";

const POSTJECT = createRequire(import.meta.url).resolve("postject/dist/cli.js");
const ENTRY = fileURLToPath(new URL("entry.cjs", import.meta.url));
const COMPILE = fileURLToPath(new URL("compile.cjs", import.meta.url));
const run = promisify(execFile);

/** Makes one-file programs from Node and a script. */
export interface ProgramBuilder {
  /** The licence of Node, and the versions of Node's libraries. */
  readonly node: {
    readonly licence: string;
    readonly libraries: Readonly<Record<string, string>>;
  };
  /** Writes the program for a platform. */
  buildProgram(platform: Platform, program: string): Promise<void>;
}

/**
 * Prepares the building of programs in a temporary folder.
 *
 * @throws Error if this machine cannot run the builder's Node.
 * @see https://nodejs.org/docs/latest-v22.x/api/single-executable-applications.html
 */
export async function openProgramBuilder(
  { text }: Bundle,
  temporary: string,
): Promise<ProgramBuilder> {
  if (`${process.platform}-${process.arch}` !== BUILDER.name) {
    throw new Error(`the programs are built on ${BUILDER.name} only`);
  }
  const node = await unpackNode(BUILDER, join(temporary, "builder"));
  await writeFile(join(temporary, "main.cjs"), text);
  await build({
    entryPoints: [ENTRY],
    outfile: join(temporary, "entry.cjs"),
    bundle: true,
    minify: true,
    platform: "node",
    target: "node22",
    logLevel: "warning",
  });
  await compileProgram(node, temporary);
  const blobs = {
    compiled: await prepareBlob(node, temporary, { "main.cjs": "main.cjs", code: "code" }),
    plain: await prepareBlob(node, temporary, { "main.cjs": "main.cjs" }),
  };
  const { stdout } = await run(node, ["--print", "JSON.stringify(process.versions)"], { env: {} });
  return {
    node: {
      licence: await readFile(join(temporary, "builder", "LICENSE"), "utf8"),
      libraries: JSON.parse(stdout) as Record<string, string>,
    },
    buildProgram: async (platform, program) => {
      const unpacked = await unpackNode(platform, join(temporary, platform.name, "node"));
      if (platform.format === "PE") {
        await writeFile(unpacked, withoutSignature(await readFile(unpacked)));
      }
      await inject(
        platform.name === BUILDER.name ? blobs.compiled : blobs.plain,
        unpacked,
        platform,
      );
      if (platform.format === "Mach-O") await signAdHoc(unpacked);
      await chmod(unpacked, 0o755);
      await rename(unpacked, program);
    },
  };
}

/**
 * Compiles the program. The compiled code halves the time of the first start, but Node accepts it only
 * from a Node of the same platform.
 */
async function compileProgram(node: string, folder: string): Promise<void> {
  // Without a seed, the code has random hashes. V8 ignores this flag when it compares flags.
  const args = ["--random-seed=1", COMPILE, "main.cjs", "code"];
  await run(node, args, { cwd: folder, env: {} });
}

/** Writes the entry point and the assets in the form that Node embeds, and returns the path. */
async function prepareBlob(
  node: string,
  folder: string,
  assets: Readonly<Record<string, string>>,
): Promise<string> {
  const output = `${Object.keys(assets).length}.blob`;
  const config = { main: "entry.cjs", output, disableExperimentalSEAWarning: true, assets };
  await writeFile(join(folder, "program.json"), JSON.stringify(config));
  await run(node, ["--experimental-sea-config", "program.json"], { cwd: folder, env: {} });
  return join(folder, output);
}

/** Adds the entry point and its assets to Node. */
async function inject(blob: string, program: string, { format }: Platform): Promise<void> {
  const fuse = ["--sentinel-fuse", "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2"];
  const segment = format === "Mach-O" ? ["--macho-segment-name", "NODE_SEA"] : [];
  const args = [POSTJECT, program, "NODE_SEA_BLOB", blob, ...fuse, ...segment];
  await run(process.execPath, args);
}
