import { execFile } from "node:child_process";
import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/**
 * Downloads packages of Debian, or of a distribution based on it, into a folder, and unpacks them into
 * its subfolder `root`. Nothing is installed on this machine.
 *
 * @returns the paths of the downloaded packages.
 * @throws if the packages are not available.
 */
export async function unpackDebian(
  names: readonly string[],
  folder: string,
): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true });
  await download(names, folder);
  const files = (await readdir(folder)).filter((file) => file.endsWith(".deb")).sort();
  const paths = files.map((file) => join(folder, file));
  for (const path of paths) await run("dpkg-deb", ["--extract", path, join(folder, "root")]);
  return paths;
}

/** The list of packages of a new machine is empty or old. */
async function download(names: readonly string[], folder: string): Promise<void> {
  const args = ["download", "--quiet=2", ...names];
  await run("apt-get", args, { cwd: folder }).catch(async () => {
    await run("apt-get", ["update", "--quiet=2"]);
    await run("apt-get", args, { cwd: folder });
  });
}
