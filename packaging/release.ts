import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { writeTarball, writeZip } from "./archive.ts";
import { bundleProgram } from "./bundle.ts";
import { homebrewFormula } from "./homebrew.ts";
import { writeImage } from "./image.ts";
import { type Archive, krewManifest } from "./krew.ts";
import { type BundledPackage, bundledPackages, licences } from "./licences.ts";
import { nodeComponent } from "./node-component.ts";
import {
  archiveName,
  BUILDER,
  completionName,
  NODE_VERSION,
  type Platform,
  PLATFORMS,
  programName,
} from "./platforms.ts";
import { openProgramBuilder, type ProgramBuilder } from "./program.ts";
import { createSbom, type OtherComponent } from "./sbom.ts";
import manifest from "../package.json" with { type: "json" };

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);
const { version } = manifest;

/** The name of the archive with the container image. */
export const IMAGE = "istio-upgrade-image-linux-x64.tar";

/** The folders and the time that all parts of a release share. */
interface Build {
  readonly out: string;
  readonly temporary: string;
  /** The time of all files. */
  readonly time: Date;
  readonly platforms: readonly Platform[];
}

/**
 * Builds a release into a folder, from the existing `dist/`. The same commit gives the same bytes.
 *
 * @throws Error if this machine cannot build all parts.
 */
export async function buildRelease(
  out: string,
  platforms: readonly Platform[] = PLATFORMS,
): Promise<void> {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const temporary = await mkdtemp(join(tmpdir(), "istio-upgrade-release-"));
  try {
    await buildParts({ out, temporary, time: await releaseTime(), platforms });
    await writeChecksums(out);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function buildParts(build: Build): Promise<void> {
  const { out, temporary, time } = build;
  await run("npm", ["pack", "--ignore-scripts", "--pack-destination", out], { cwd: ROOT });
  const bundle = await bundleProgram(ROOT);
  const packages = bundledPackages(bundle.metafile);
  const builder = await openProgramBuilder(bundle, temporary);
  const archives = await buildArchives(build, builder, packages);
  say("building the image");
  const program = join(temporary, BUILDER.name, "archive");
  const debian = await writeImage(join(out, IMAGE), { version, time, program, temporary });
  const node = nodeComponent({ version: NODE_VERSION, libraries: builder.node.libraries });
  const write = (name: string, text: string) => writeFile(join(out, name), text);
  const sbom = (others: readonly OtherComponent[]) =>
    createSbom({ version, time, packages, others });
  await write("istio-upgrade.cdx.json", sbom([]));
  await write("istio-upgrade-programs.cdx.json", sbom([node]));
  await write("istio-upgrade-image.cdx.json", sbom([node, ...debian]));
  await write("istio-upgrade.yaml", krewManifest({ version, url: downloadUrl(), archives }));
  await write("istio-upgrade.rb", homebrewFormula({ version, url: downloadUrl(), archives }));
}

/** Builds the program and the archive for each platform. */
async function buildArchives(
  { out, temporary, time, platforms }: Build,
  builder: ProgramBuilder,
  packages: readonly BundledPackage[],
): Promise<readonly Archive[]> {
  const node = `node ${NODE_VERSION}, MIT\n\n${builder.node.licence}`;
  const texts = licences(packages, [node]);
  const archives: Archive[] = [];
  for (const platform of platforms) {
    const name = archiveName(platform);
    say(`building ${name}`);
    const folder = join(temporary, platform.name, "archive");
    await mkdir(folder, { recursive: true });
    await builder.buildProgram(platform, join(folder, programName(platform)));
    await addFiles(folder, platform, texts);
    const write = platform.format === "PE" ? writeZip : writeTarball;
    await write(join(out, name), { folder, names: (await readdir(folder)).sort(), time });
    archives.push({ platform, name, sha256: await sha256(join(out, name)) });
  }
  return archives;
}

/** Adds the files that each archive has beside the program. */
async function addFiles(folder: string, platform: Platform, texts: string): Promise<void> {
  const add = async (from: string, name: string, mode: number) => {
    await copyFile(join(ROOT, from), join(folder, name));
    await chmod(join(folder, name), mode);
  };
  const completion = completionName(platform);
  await add(join("packaging", completion), completion, 0o755);
  await add("LICENSE", "LICENSE", 0o644);
  await add("README.md", "README.md", 0o644);
  await writeFile(join(folder, "THIRD-PARTY-LICENSES"), texts, { mode: 0o644 });
}

/** Returns the folder from which users download the files: that of a release on GitHub. */
function downloadUrl(): string {
  const repository = process.env["GITHUB_REPOSITORY"] ?? "OWNER/istio-upgrade";
  return `https://github.com/${repository}/releases/download/v${version}/`;
}

/**
 * Returns the time of everything in a release: that of the commit.
 *
 * @see https://reproducible-builds.org/docs/source-date-epoch/
 */
async function releaseTime(): Promise<Date> {
  const given = process.env["SOURCE_DATE_EPOCH"];
  const seconds = given || (await run("git", ["log", "-1", "--format=%ct"], { cwd: ROOT })).stdout;
  return new Date(Number(seconds) * 1000);
}

/** Writes `SHA256SUMS`, in the format of `sha256sum --check`. */
async function writeChecksums(out: string): Promise<void> {
  const lines: string[] = [];
  for (const name of (await readdir(out)).sort()) {
    lines.push(`${await sha256(join(out, name))}  ${name}\n`);
  }
  await writeFile(join(out, "SHA256SUMS"), lines.join(""));
}

async function sha256(file: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(file))
    .digest("hex");
}

function say(line: string): void {
  process.stderr.write(`release: ${line}\n`);
}
