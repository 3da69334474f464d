import { randomUUID } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import { CannotRun, UsageError } from "../errors.ts";
import type { AnyDocument } from "../report/document.ts";
import { toJson } from "../report/json.ts";

/** Where the JSON document is kept besides stdout. */
export interface ReportFile {
  /**
   * Replaces what was written before, so that a reader never sees half a document.
   *
   * @throws CannotRun where the disk refuses it.
   */
  write(document: AnyDocument): Promise<void>;
}

/**
 * Finds out before anything is done whether the file can be written: a record that is missed
 * afterwards comes too late.
 *
 * @throws UsageError
 */
export async function openReportFile(file: string | undefined): Promise<ReportFile> {
  if (file === undefined) return { write: async () => undefined };
  const draft = `${file}.${randomUUID()}.tmp`;
  try {
    await writeFile(draft, "");
    await rm(draft);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `--report-file "${file}" cannot be written: ${code}`,
      "name a file in a folder that exists and that you may write to",
    );
  }
  return {
    write: async (document) => {
      try {
        await writeFile(draft, `${toJson(document, 2)}\n`);
        await rename(draft, file);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        throw new CannotRun(
          `the report could not be written to "${file}": ${code}`,
          "what was done stands; see it with: istio-upgrade check",
        );
      }
    },
  };
}
