import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { extract } from "tar";
import { cacheFolder } from "./cache-folder.ts";
import { NODE_VERSION, type Platform } from "./platforms.ts";

/**
 * Unpacks Node for a platform into a folder: `LICENSE` and the program. The npm package is downloaded
 * once, into the user's cache, and its checksum is compared each time.
 *
 * @throws Error if the package is not the pinned one.
 */
export async function unpackNode({ node }: Platform, folder: string): Promise<string> {
  const tarball = await download(
    `${node.name}@${NODE_VERSION}`,
    `${node.name}-${NODE_VERSION}.tgz`,
  );
  const checksum = createHash("sha512").update(await readFile(tarball));
  if (`sha512-${checksum.digest("base64")}` !== node.integrity) {
    throw new Error(`${tarball} does not have the checksum in packaging/platforms.ts`);
  }
  await mkdir(folder, { recursive: true });
  await extract({ file: tarball, cwd: folder, strip: 1 }, [
    `package/${node.program}`,
    "package/LICENSE",
  ]);
  return join(folder, node.program);
}

/** `npm pack` also takes packages for other platforms, which `npm install` rejects. */
async function download(spec: string, name: string): Promise<string> {
  const folder = cacheFolder("nodes");
  const tarball = join(folder, name);
  if (existsSync(tarball)) return tarball;
  await mkdir(folder, { recursive: true });
  const unfinished = await mkdtemp(`${tarball}.part-`);
  try {
    await promisify(execFile)("npm", ["pack", "--silent", spec], { cwd: unfinished });
    await rename(join(unfinished, name), tarball);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return tarball;
}
