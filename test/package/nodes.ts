import { execFile } from "node:child_process";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "../../packaging/cache-folder.ts";

const run = promisify(execFile);

/** The oldest Node that `engines` allows, and the newest known release of each line since. */
export const NODES = ["20.19.0", "20.20.2", "22.23.3", "24.21.0", "26.10.0"] as const;

/**
 * Returns the path of a version of Node. It is installed from the npm registry once and kept under
 * `~/.cache/istio-upgrade/nodes`.
 *
 * @throws Error with npm's message if the installation fails.
 */
export async function nodeProgram(version: (typeof NODES)[number]): Promise<string> {
  const folder = cacheFolder("nodes", version);
  const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
  const program = join(folder, "node_modules", name, "bin", "node");
  const isThere = await access(program).then(
    () => true,
    () => false,
  );
  if (isThere) return program;
  const quiet = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund"];
  await run("npm", ["install", "--prefix", folder, ...quiet, `${name}@${version}`]);
  return program;
}
