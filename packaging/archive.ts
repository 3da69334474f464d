import { createWriteStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { create } from "tar";
import yazl from "yazl";

/** The files for an archive, which has no owners, and one time for all files. */
export interface ArchiveInput {
  readonly folder: string;
  /** Paths below the folder. */
  readonly names: readonly string[];
  readonly time: Date;
  /** True for a tarball that is not compressed. */
  readonly isPlain?: boolean;
}

export async function writeTarball(
  file: string,
  { folder, names, time, isPlain = false }: ArchiveInput,
): Promise<void> {
  const gzip = isPlain ? false : { portable: true };
  const options = { portable: true, mtime: time, noDirRecurse: true, strict: true };
  await create({ ...options, file, cwd: folder, gzip }, [...names]);
}

export async function writeZip(file: string, { folder, names, time }: ArchiveInput): Promise<void> {
  const zip = new yazl.ZipFile();
  for (const name of names) {
    const path = join(folder, name);
    const { mode } = await stat(path);
    zip.addBuffer(await readFile(path), name, {
      mtime: asLocal(time),
      mode,
      forceDosTimestamp: true,
    });
  }
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(file));
}

/** The times in a zip file have no time zone: those of this machine would be written. */
function asLocal(time: Date): Date {
  return new Date(time.getTime() + time.getTimezoneOffset() * 60_000);
}
