import { randomUUID } from "node:crypto";
import { access, constants, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { CannotRun, UsageError } from "../errors.ts";
import { istioUpgrade, sentence } from "../next-step.ts";
import type { AnyDocument } from "../report/document.ts";
import { toJson } from "../report/json.ts";

/** The file of `--report-file`, which gets the JSON document. */
export interface ReportFile {
  /**
   * Replaces the previous document at once, so that a reader never sees half of one.
   *
   * @throws CannotRun if the file cannot be written.
   */
  write(document: AnyDocument): Promise<void>;
}

/**
 * Checks that the file can be written, before the command changes anything.
 *
 * @throws UsageError if it cannot.
 */
export async function createReportFile(file: string | undefined): Promise<ReportFile> {
  if (file === undefined) return { write: async () => undefined };
  const target = await targetOf(file);
  const draft = `${target.path}.${randomUUID()}.tmp`;
  try {
    if (target.isReplaced) {
      await writeFile(draft, "");
      await rm(draft);
    } else {
      await access(target.path, constants.W_OK);
    }
    if (target.isFolder) throw Object.assign(new Error(), { code: "EISDIR" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `--report-file "${file}" cannot be written: ${code}`,
      "choose a file in an existing folder that you may write to",
    );
  }
  return {
    write: async (document) => {
      try {
        const content = `${toJson(document, 2)}\n`;
        if (!target.isReplaced) return await writeFile(target.path, content);
        await writeFile(draft, content);
        await rename(draft, target.path);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        throw new CannotRun(
          `the report could not be written to "${file}": ${code}`,
          sentence`nothing was undone; see the current state: ${istioUpgrade("check")}`,
          { code: "output" },
        );
      }
    },
  };
}

/**
 * Returns the file that a link refers to, so that writing keeps the link. A device or a pipe cannot
 * be replaced, only written to.
 */
async function targetOf(file: string) {
  try {
    const path = await realpath(file);
    const found = await stat(path);
    return { path, isReplaced: found.isFile(), isFolder: found.isDirectory() };
  } catch {
    return { path: file, isReplaced: true, isFolder: false };
  }
}
