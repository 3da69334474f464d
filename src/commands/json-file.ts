import { createReadStream } from "node:fs";
import { UsageError } from "../errors.ts";
import type { NextStep } from "../next-step.ts";

/** The content that a file should have. */
export interface JsonFile {
  /** The noun for messages, such as `plan`. */
  readonly what: string;
  readonly mostBytes: number;
  /** The way to get such a file. */
  readonly hint: NextStep;
}

const MEBIBYTE = 1024 * 1024;

/**
 * Reads a file of JSON that the user names. It may come from anybody.
 *
 * @throws UsageError if it cannot be read, is too large, or is not JSON.
 */
export async function readJsonFile(file: string, expected: JsonFile): Promise<unknown> {
  const { what, hint } = expected;
  const content = await contentOf(file, expected);
  try {
    // Some editors on Windows add a byte order mark.
    return JSON.parse(content.replace(/^\uFEFF/, ""));
  } catch {
    throw new UsageError(`"${file}" is not a ${what}: it is not JSON`, hint);
  }
}

async function contentOf(file: string, { what, mostBytes, hint }: JsonFile): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of createReadStream(file)) {
      chunks.push(chunk as Buffer);
      length += (chunk as Buffer).length;
      if (length > mostBytes) break;
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(`could not read the ${what} "${file}": ${code}`, hint);
  }
  if (length > mostBytes) {
    const size = `${mostBytes / MEBIBYTE} MiB`;
    throw new UsageError(`"${file}" is not a ${what}: it is larger than ${size}`, hint);
  }
  const bytes = Buffer.concat(chunks);
  // Windows PowerShell redirects output as UTF-16.
  const wide = bytes[0] === 0xff && bytes[1] === 0xfe;
  return bytes.toString(wide ? "utf16le" : "utf8");
}
