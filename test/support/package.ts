import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** What `npm publish` would send. */
export interface Package {
  /** Path of the tarball. */
  readonly tarball: string;
  /** Paths in it, sorted. */
  readonly files: readonly string[];
}

/** `npm pack` of what is built; the build itself is not started again. */
export async function packProgram(folder: string): Promise<Package> {
  const args = ["pack", "--ignore-scripts", "--json", "--pack-destination", folder];
  const { stdout } = await run("npm", args, { cwd: ROOT });
  const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
  if (packed === undefined) throw new Error("npm packed nothing");
  const files = packed.files.map(({ path }) => path).sort();
  return { tarball: join(folder, packed.filename), files };
}

/**
 * `npm install --global` as a user does it, into a folder of its own: offline and with an empty
 * cache, so that it brings nothing along, and without scripts.
 *
 * @returns the folder with the programs.
 */
export async function installProgram(folder: string, { tarball }: Package): Promise<string> {
  const prefix = join(folder, "prefix");
  await mkdir(join(prefix, "lib"), { recursive: true });
  const args = ["install", "--global", "--prefix", prefix, "--omit=dev", "--ignore-scripts"];
  const quiet = ["--offline", "--no-audit", "--no-fund", "--cache", join(folder, "npm-cache")];
  await run("npm", [...args, ...quiet, tarball], { cwd: folder });
  return join(prefix, "bin");
}

/** A package that lies in `dist/`, by the bundler's own account. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** Name, version, kind of licence, and its text. */
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
