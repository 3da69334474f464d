import { constants } from "node:fs";
import { access, open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { UsageError } from "../../errors.ts";

/** The program that decides whether the next wave starts. */
export interface Gate {
  /** The file, as the user named it. */
  readonly command: string;
  /** The absolute path of the file. */
  readonly path: string;
}

const EXECUTABLE = "name a program, or a script whose first line is such as #!/bin/sh";

/** The number of bytes that show if a file is a program or a script. */
const HEAD = 512;

/**
 * Finds the program of `--gate`, before the command reads or starts anything.
 *
 * @throws UsageError if it is no file, or cannot be run.
 */
export async function requireGate(file: string): Promise<Gate> {
  const path = resolve(file);
  const what = `--gate "${file}"`;
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${what} was not found: ${error.code}`, EXECUTABLE);
  });
  if (!found.isFile()) throw new UsageError(`${what} is not a file`, EXECUTABLE);
  await access(path, constants.X_OK).catch(() => {
    throw new UsageError(
      `${what} is not executable`,
      `make it executable: chmod +x, or ${EXECUTABLE}`,
    );
  });
  const head = await headOf(path);
  // The C library would run such a file with a shell, and an empty one would always pass.
  if (head !== undefined && !head.includes(0) && head.subarray(0, 2).toString() !== "#!") {
    throw new UsageError(`${what} is neither a program nor a script with a #! line`, EXECUTABLE);
  }
  return { command: file, path };
}

/** Returns the first bytes of a file; `undefined` if it can only be executed. */
async function headOf(path: string): Promise<Buffer | undefined> {
  const file = await open(path, "r").catch(() => undefined);
  if (file === undefined) return undefined;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD), 0, HEAD, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
