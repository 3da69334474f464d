import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { promisify } from "node:util";
import { debianPackages } from "../support/debian-packages.ts";

const run = promisify(execFile);

/** A browser without a window, and the environment that it needs. */
export interface Chromium {
  readonly executable: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Finds Chromium on this machine: the program in the variable `CHROMIUM`, one on the path, or that of
 * Debian's package, which is unpacked into the user's cache.
 *
 * @throws if there is none.
 */
export async function findChromium(): Promise<Chromium> {
  const named = process.env["CHROMIUM"];
  if (named !== undefined && named !== "") return { executable: named, env: {} };
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = ["chromium-headless-shell", "chromium", "google-chrome"]
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
  if (found !== undefined) return { executable: found, env: {} };
  const root = await debianPackages(["chromium-headless-shell"], missingPackages);
  const fonts = join(root, "etc/fonts");
  return {
    executable: join(root, "usr/lib/chromium/chromium-headless-shell"),
    env: {
      LD_LIBRARY_PATH: (await libraryFolders(join(root, "usr/lib"))).join(delimiter),
      // Fonts of the packages are found beside those of the machine.
      XDG_DATA_HOME: join(root, "usr/share"),
      ...(existsSync(fonts) && { FONTCONFIG_PATH: fonts }),
    },
  };
}

/** Returns Chromium's package, with the packages that it needs and that are not installed. */
async function missingPackages(): Promise<readonly string[]> {
  const wanted = ["chromium-headless-shell", "fonts-dejavu-core"];
  const args = ["install", "--print-uris", "--quiet=2", "--yes", "--no-install-recommends"];
  // The list of packages of a new machine is empty or old.
  const { stdout } = await run("apt-get", [...args, ...wanted]).catch(async () => {
    await run("apt-get", ["update", "--quiet=2"]);
    return run("apt-get", [...args, ...wanted]);
  });
  // 'http://deb.debian.org/.../chromium-common_156.0_amd64.deb' chromium-common_156.0_amd64.deb ...
  return stdout.split("\n").flatMap((line) => /^'[^']*' ([^_ ]+)_/.exec(line)?.[1] ?? []);
}

/** Returns the folders with shared libraries. */
async function libraryFolders(folder: string): Promise<readonly string[]> {
  const files = await readdir(folder, { recursive: true });
  const libraries = files.filter((file) => /\.so(?:\.\d+)*$/.test(file));
  return [...new Set(libraries.map((file) => dirname(join(folder, file))))];
}
