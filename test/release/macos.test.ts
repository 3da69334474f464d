import { createHash } from "node:crypto";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { signatureProblems } from "../../packaging/signature.ts";

const run = promisify(execFile);

const isBuilt = inject("platforms").some(({ name }) => name === "macos-arm64");

let folder = "";
let file: string;
let program: Buffer;
beforeAll(async () => {
  if (!isBuilt) return;
  folder = await mkdtemp(join(tmpdir(), "istio-upgrade-macos-"));
  const archive = join(inject("release"), "istio-upgrade-macos-arm64.tar.gz");
  await run("tar", ["-xf", archive, "-C", folder, "istio-upgrade"]);
  file = join(folder, "istio-upgrade");
  program = await readFile(file);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Returns the offset of the command LC_CODE_SIGNATURE in the header of a Mach-O file. */
function signatureCommand(): number {
  let offset = 32;
  for (let left = program.readUInt32LE(16); left > 0; left -= 1) {
    if (program.readUInt32LE(offset) === 0x1d) return offset;
    offset += program.readUInt32LE(offset + 4);
  }
  throw new Error("there is no signature");
}

/**
 * Returns the code directory, with one hash for each page of the program. macOS compares them when it
 * loads a page.
 */
function codeDirectory(): Buffer {
  const start = program.readUInt32LE(signatureCommand() + 8);
  const blob = program.subarray(start);
  expect(blob.readUInt32BE(0)).toBe(0xfade_0cc0);
  const directory = blob.subarray(blob.readUInt32BE(16));
  expect(directory.readUInt32BE(0)).toBe(0xfade_0c02);
  return directory;
}

test.skipIf(!isBuilt)(
  "the program for macOS has an ad-hoc signature that covers every page",
  () => {
    const directory = codeDirectory();
    const isAdHoc = (directory.readUInt32BE(12) & 2) !== 0;
    const [hashes, count, limit] = [16, 28, 32].map((at) => directory.readUInt32BE(at)) as [
      number,
      number,
      number,
    ];
    const page = 2 ** directory.readUInt8(39);
    expect({ isAdHoc, limit }).toEqual({
      isAdHoc: true,
      // Everything up to the signature is signed.
      limit: program.readUInt32LE(signatureCommand() + 8),
    });
    expect(count).toBe(Math.ceil(limit / page));
    const wrong = Array.from({ length: count }, (_, index) => {
      const code = program.subarray(index * page, Math.min((index + 1) * page, limit));
      const hash = directory.subarray(hashes + index * 32, hashes + (index + 1) * 32);
      return createHash("sha256").update(code).digest().equals(hash) ? [] : [index];
    }).flat();
    expect(wrong).toEqual([]);
  },
);

test.skipIf(!isBuilt)(
  "a program for macOS that was changed after it was signed does not verify",
  async () => {
    expect(await signatureProblems(file)).toEqual([]);
    const changed = Buffer.from(program);
    changed.writeUInt8(changed.readUInt8(80_000_000) ^ 1, 80_000_000);
    await writeFile(join(folder, "changed"), changed);
    expect(await signatureProblems(join(folder, "changed"))).toEqual([
      expect.stringMatching(/^code digest mismatch/),
    ]);
  },
);
