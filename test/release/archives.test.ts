import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import {
  archiveName,
  completionName,
  type Platform,
  programName,
} from "../../packaging/platforms.ts";
import { bundledPackages } from "../support/package.ts";

const run = promisify(execFile);
const release = inject("release");
const platforms = inject("platforms");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "istio-upgrade-archives-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Reads the processor from the header of a program. */
const HEADERS: Record<Platform["format"], (program: Buffer) => string> = {
  ELF: (program) => {
    expect(program.subarray(0, 4).toString("latin1")).toBe("\u007fELF");
    return { 62: "amd64", 183: "arm64" }[program.readUInt16LE(18)] ?? "other";
  },
  "Mach-O": (program) => {
    expect(program.readUInt32LE(0)).toBe(0xfeed_facf);
    return { [0x0100_000c]: "arm64" }[program.readUInt32LE(4)] ?? "other";
  },
  PE: (program) => {
    const header = program.readUInt32LE(0x3c);
    expect(program.subarray(header, header + 4).toString("latin1")).toBe("PE\0\0");
    // There is no signature, because that of Node does not fit.
    expect(program.readUInt32LE(header + 168)).toBe(0);
    return { [0x8664]: "amd64" }[program.readUInt16LE(header + 4)] ?? "other";
  },
};

test("the release has these files, and their checksums", async () => {
  const names = await readdir(release);
  expect(names.sort()).toEqual(
    [
      "SHA256SUMS",
      `istio-upgrade-${manifest.version}.tgz`,
      "istio-upgrade-image-linux-x64.tar",
      "istio-upgrade-image.cdx.json",
      ...platforms.map(archiveName),
      "istio-upgrade-programs.cdx.json",
      "istio-upgrade.cdx.json",
      "istio-upgrade.rb",
      "istio-upgrade.yaml",
    ].sort(),
  );
  const { stdout } = await run("sha256sum", ["--check", "SHA256SUMS"], { cwd: release });
  expect(stdout.match(/: OK$/gm)?.length).toBe(names.length - 1);
});

describe.each(platforms)("the archive for $name", (platform) => {
  const unpacked = () => join(folder, platform.name);
  beforeAll(async () => {
    await mkdir(unpacked());
    const archive = join(release, archiveName(platform));
    const [program, flag] = archive.endsWith(".zip") ? ["unzip", "-q"] : ["tar", "-xf"];
    await run(program, [flag, archive], { cwd: unpacked() });
  });

  test("has the program, the completion for kubectl, and licences", async () => {
    const completion = completionName(platform);
    const program = programName(platform);
    const plain = ["LICENSE", "README.md", "THIRD-PARTY-LICENSES"];
    expect((await readdir(unpacked())).sort()).toEqual([...plain, completion, program].sort());
    for (const name of [program, completion]) {
      expect((await stat(join(unpacked(), name))).mode & 0o777, name).toBe(0o755);
    }
    for (const name of plain) {
      expect((await stat(join(unpacked(), name))).mode & 0o777, name).toBe(0o644);
    }
  });

  test("has a program for that platform, with the script", async () => {
    const program = await readFile(join(unpacked(), programName(platform)));
    expect(HEADERS[platform.format](program)).toBe(platform.go.arch);
    // postject sets this mark when it has added the script.
    expect(program.includes("NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2:1")).toBe(true);
    expect(program.includes("istio-upgrade.cjs")).toBe(true);
  });

  test("has the licences of Node and of what is bundled", async () => {
    const text = await readFile(join(unpacked(), "THIRD-PARTY-LICENSES"), "utf8");
    expect(text).toMatch(/^node \d+\.\d+\.\d+, MIT$/m);
    expect(text).toContain("OpenSSL");
    const [bundled = ""] = text.split(/^node \d/m);
    const names = bundledPackages(bundled.replace(/-{80}\n\n$/, "")).map(({ name }) => name);
    const dist = new URL("../../dist/THIRD-PARTY-LICENSES", import.meta.url);
    const published = bundledPackages(await readFile(dist, "utf8")).map(({ name }) => name);
    expect(names).toEqual(published);
  });
});
