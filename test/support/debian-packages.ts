import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cacheFolder } from "../../packaging/cache-folder.ts";
import { unpackDebian } from "../../packaging/debian.ts";

/**
 * Returns a folder with unpacked packages of Debian, or of a distribution based on it. Downloads them into
 * the user's cache the first time. Nothing is installed on the machine.
 *
 * @param key the packages that are wanted; the folder is found by it.
 * @param names returns the packages to unpack, which may depend on the machine.
 * @throws if the packages are not available.
 */
export async function debianPackages(
  key: readonly string[],
  names: () => Promise<readonly string[]> = async () => key,
): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify([key, process.arch]));
  hash.update(await readFile("/etc/os-release", "utf8"));
  const folder = cacheFolder("testbed", `debian-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(folder)) return folder;
  await mkdir(dirname(folder), { recursive: true });
  const unfinished = await mkdtemp(`${folder}.part-`);
  try {
    await unpackDebian(await names(), unfinished);
    await rename(join(unfinished, "root"), folder);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return folder;
}
