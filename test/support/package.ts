import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The package that `npm publish` would upload. */
export interface Package {
  /** The path of the tarball. */
  readonly tarball: string;
  /** The sorted paths in the tarball. */
  readonly files: readonly string[];
}

/** Runs `npm pack` on the existing build. */
export async function packProgram(folder: string): Promise<Package> {
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const { stdout } = await run("npm", args, { cwd: ROOT });
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  if (packed === undefined) throw new Error("npm packed nothing");
  const files = packed.files.map(({ path }) => path).sort();
  return { tarball: join(folder, packed.filename), files };
}

/**
 * Runs `npm install --global` as a user does, but into its own folder. The installation is offline
 * with an empty cache, so that it cannot add other packages, and runs no scripts.
 *
 * @returns the folder of the installed programs.
 */
export async function installProgram(folder: string, { tarball }: Package): Promise<string> {
  const prefix = join(folder, "prefix");
  await mkdir(join(prefix, "lib"), { recursive: true });
  const args = ["install", "--global", "--prefix", prefix, "--omit=dev", "--ignore-scripts"];
  const quiet = ["--offline", "--no-audit", "--no-fund", "--cache", join(folder, "npm-cache")];
  await run("npm", [...args, ...quiet, tarball], { cwd: folder });
  return join(prefix, "bin");
}

/** A package that the bundler included in `dist/`. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** The name, version, licence type and licence text. */
  readonly text: string;
}

/** @param licences `dist/THIRD-PARTY-LICENSES` */
export function bundledPackages(licences: string): readonly BundledPackage[] {
  return licences.split(/^-{80}\n\n/m).map((text) => {
    const head = /^((?:@[\w.-]+\/)?[\w.-]+) (\d+\.\d+\.\d+\S*), /.exec(text);
    const [, name = "", version = ""] = head ?? [];
    if (name === "") throw new Error(`no package: ${text.slice(0, 80)}`);
    return { name, version, text };
  });
}
