import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { extract } from "tar";
import type { TestProject } from "vitest/node";
import { GO_TOOLS, goTool } from "../../packaging/go-tool.ts";
import { archiveName, BUILDER, type Platform, PLATFORMS } from "../../packaging/platforms.ts";
import { buildRelease } from "../../packaging/release.ts";
import { isSignerBuilt } from "../../packaging/signature.ts";
import { buildPrograms } from "../testbed/build.ts";

declare module "vitest" {
  export interface ProvidedContext {
    /** The folder with the files of the release. */
    readonly release: string;
    /** The platforms with an archive in it. */
    readonly platforms: readonly Platform[];
    /** The folder with the unpacked archive for this machine. */
    readonly unpacked: string;
    /** The path with Node, which building needs. */
    readonly path: string;
  }
}

/**
 * Builds a release, or takes the one in the folder `ISTIO_UPGRADE_RELEASE`, and makes its program for this
 * machine the one that the tests run, as if there were no Node on this machine.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "istio-upgrade-release-test-"));
  const given = process.env["ISTIO_UPGRADE_RELEASE"];
  const release = resolve(given || join(folder, "release"));
  const platforms = given ? PLATFORMS : buildablePlatforms();
  if (!given) await buildRelease(release, platforms);
  // The first time, these are built, which takes longer than a test may.
  for (const name of GO_TOOLS) await goTool(name);
  await buildPrograms();
  const unpacked = join(folder, "unpacked");
  await mkdir(unpacked);
  await extract({ file: join(release, archiveName(BUILDER)), cwd: unpacked });
  project.provide("release", release);
  project.provide("platforms", platforms);
  project.provide("unpacked", unpacked);
  project.provide("path", process.env["PATH"] ?? "");
  process.env["ISTIO_UPGRADE_PROGRAM"] = join(unpacked, "istio-upgrade");
  process.env["PATH"] = await pathWithoutNode(join(folder, "path"));
  return () => rm(folder, { recursive: true });
}

/** Returns the platforms whose programs can be built in a few minutes. */
function buildablePlatforms(): readonly Platform[] {
  if (isSignerBuilt()) return PLATFORMS;
  const reason = "apple-codesign is not built; npm run release builds it, in about 15 minutes";
  process.stderr.write(`test:release: skipped the archive for macOS: ${reason}\n`);
  return PLATFORMS.filter(({ format }) => format !== "Mach-O");
}

/** Returns a folder with links to all programs on the path except those of Node. */
async function pathWithoutNode(folder: string): Promise<string> {
  await mkdir(folder);
  for (const one of (process.env["PATH"] ?? "").split(delimiter)) {
    for (const name of await readdir(one).catch(() => [])) {
      if (/^(?:node|nodejs|npm|npx|corepack)$/.test(name)) continue;
      // The first program of a name is the one that runs.
      await symlink(join(one, name), join(folder, name)).catch(() => undefined);
    }
  }
  return folder;
}
