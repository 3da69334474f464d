import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import {
  access,
  chmod,
  chown,
  constants,
  open,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { CannotRun, UsageError } from "../errors.ts";
import type { Io } from "../io.ts";
import { istioUpgrade, sentence } from "../next-step.ts";
import type { AnyDocument, ErrorDocument } from "../report/document.ts";
import { jsonPieces, withEnd } from "../report/json.ts";
import { formatOfFile } from "../file-format.ts";
import { inPieces } from "./pieces.ts";

/** The files of `--report-file`, which get the document in the formats of their names. */
export interface ReportFile {
  /**
   * Replaces the previous document at once, so that a reader never sees half of one. Gives up if the
   * file system, or the reader of a pipe, takes too long.
   *
   * @throws CannotRun if the file cannot be written.
   */
  write(document: AnyDocument | ErrorDocument): Promise<void>;
  /**
   * Writes the first of several documents. A pipe or a device gets only the last one.
   *
   * @throws CannotRun if the file cannot be written.
   */
  begin(document: AnyDocument): Promise<void>;
  /**
   * Writes an interim document, without waiting. Only the newest document counts.
   *
   * @param onError gets the message if the file cannot be written.
   */
  update(document: AnyDocument, onError: (message: string) => void): void;
  /** Lets the user wait for a short time only, because a signal came. */
  hurry(): void;
}

/** Milliseconds that a write may take, and that it may take after a signal. */
const PATIENCE = 10_000;
const HURRY = 1000;

/**
 * Checks that the files can be written, before the command changes anything.
 *
 * @throws UsageError if one cannot.
 */
export async function createReportFiles(
  names: readonly string[],
  io: Pick<Io, "sleep" | "endSoon" | "now">,
): Promise<ReportFile> {
  const files: ReportFile[] = [];
  for (const name of names) files.push(await createReportFile(name, io));
  return {
    write: (document) => inEach(files, (file) => file.write(document)),
    begin: (document) => inEach(files, (file) => file.begin(document)),
    update: (document, onError) => files.forEach((file) => file.update(document, onError)),
    hurry: () => files.forEach((file) => file.hurry()),
  };
}

/** Writes to all files, also if one of them fails. */
async function inEach(
  files: readonly ReportFile[],
  write: (file: ReportFile) => Promise<void>,
): Promise<void> {
  const written = await Promise.allSettled(files.map(write));
  for (const each of written) if (each.status === "rejected") throw each.reason;
}

/**
 * Does the same for one file.
 *
 * @throws UsageError if it cannot be written.
 */
export async function createReportFile(
  file: string,
  io: Pick<Io, "sleep" | "endSoon" | "now">,
): Promise<ReportFile> {
  const target = await requireWritable(file);
  const hurried = new AbortController();
  let next: (() => Promise<void>) | undefined;
  let updates: Promise<void> | undefined;

  async function writeContent(content: Iterable<string>): Promise<void> {
    const ended = new AbortController();
    const written = target.isReplaced
      ? replaceFile(target, content)
      : writeInPlace(target.path, content, io, ended.signal);
    written.catch(() => undefined);
    const late = patience(io, hurried.signal, ended.signal).then(() => "late" as const);
    try {
      if ((await Promise.race([written, late])) !== "late") return;
    } finally {
      ended.abort();
    }
    // Nothing aborts an operation on a file system that does not answer.
    if (target.isReplaced) io.endSoon();
    throw Object.assign(new Error(), { code: "ETIMEDOUT" });
  }

  const writeDocument = async (document: AnyDocument | ErrorDocument) => {
    try {
      await writeContent(inPieces(await contentOf(file, document, io.now())));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new CannotRun(
        `the report could not be written to "${file}": ${code}`,
        sentence`nothing was undone; see the current state: ${istioUpgrade("check")}`,
        { code: "output" },
      );
    }
  };

  async function writeUpdates(): Promise<void> {
    for (let write = next; write !== undefined; write = next) {
      next = undefined;
      await write();
    }
    updates = undefined;
  }

  return {
    write: async (document) => {
      // An older document must not replace this one.
      next = undefined;
      await updates;
      await writeDocument(document);
    },
    begin: async (document) => {
      if (target.isReplaced) await writeDocument(document);
    },
    update: (document, onError) => {
      if (!target.isReplaced) return;
      next = () => writeDocument(document).catch((error: Error) => onError(error.message));
      updates ??= writeUpdates();
    },
    hurry: () => hurried.abort(),
  };
}

async function contentOf(
  file: string,
  document: AnyDocument | ErrorDocument,
  now: Date,
): Promise<Iterable<string>> {
  switch (formatOfFile(file)) {
    case "json":
      return withEnd(jsonPieces(document));
    case "html": {
      const { renderHtml } = await import("../report/html/document-page.ts");
      return renderHtml(document);
    }
    case "prometheus": {
      const { renderMetrics, renderPrometheus } = await import("../report/prometheus.ts");
      return document.kind === "Error"
        ? renderMetrics([document], now.toISOString())
        : renderPrometheus(document);
    }
  }
}

/** Resolves when a write has taken too long. */
async function patience(
  io: Pick<Io, "sleep">,
  hurried: AbortSignal,
  ended: AbortSignal,
): Promise<void> {
  await io.sleep(PATIENCE, AbortSignal.any([hurried, ended]));
  if (hurried.aborted && !ended.aborted) await io.sleep(HURRY, ended);
}

/** The place to write to. */
interface Target {
  readonly path: string;
  /** False for a device or a pipe, which cannot be replaced. */
  readonly isReplaced: boolean;
  /** The file that is replaced; `undefined` for a new one. */
  readonly found: Stats | undefined;
}

/** @throws UsageError if the file cannot be written. */
async function requireWritable(file: string): Promise<Target> {
  try {
    const target = await targetOf(file);
    if (target.found?.isDirectory() === true) throw Object.assign(new Error(), { code: "EISDIR" });
    if (target.isReplaced) {
      const draft = draftOf(target);
      await writeFile(draft, "");
      await rm(draft);
    } else {
      await access(target.path, constants.W_OK);
    }
    return target;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `--report-file "${file}" cannot be written: ${code}`,
      "choose a file in an existing folder that you may write to",
    );
  }
}

async function targetOf(file: string): Promise<Target> {
  const found = await stat(file).catch(() => undefined);
  if (found === undefined) return { path: await linkedFile(file), isReplaced: true, found };
  // The shell has opened the files in these folders.
  const isReplaced = !/^\/(?:dev|proc)\//.test(file) && (found.isFile() || found.isDirectory());
  return { path: isReplaced ? await realpath(file) : file, isReplaced, found };
}

/** No chain of links is longer. */
const MOST_LINKS = 40;

/** Returns the missing file that a link refers to, so that writing keeps the link. */
async function linkedFile(file: string): Promise<string> {
  let path = file;
  for (let links = 0; links < MOST_LINKS; links++) {
    const link = await readlink(path).catch(() => undefined);
    if (link === undefined) return path;
    path = resolve(dirname(path), link);
  }
  throw Object.assign(new Error(), { code: "ELOOP" });
}

/** The name is short, because that of the report may be as long as the file system allows. */
function draftOf({ path }: Target): string {
  return join(dirname(path), `.istio-upgrade-${randomBytes(6).toString("hex")}.tmp`);
}

/** Replaces a file, whose mode and owner stay. */
async function replaceFile(target: Target, content: Iterable<string>): Promise<void> {
  const draft = draftOf(target);
  const { found } = target;
  try {
    await writeFile(draft, content, found && { mode: found.mode & 0o600 });
    if (found !== undefined) {
      // Only root may give a file to another user.
      await chown(draft, found.uid, found.gid).catch(() => undefined);
      await chmod(draft, found.mode & 0o777);
    }
    await rename(draft, target.path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Milliseconds until a pipe without a reader, or with a slow one, is tried again. */
const RETRY = 50;

/** Writes to a device or a pipe. An operation that waits for a reader would block the process. */
async function writeInPlace(
  path: string,
  content: Iterable<string>,
  io: Pick<Io, "sleep">,
  ended: AbortSignal,
): Promise<void> {
  const flags = constants.O_WRONLY | (constants.O_NONBLOCK ?? 0);
  const file = await retry(() => open(path, flags));
  try {
    for (const piece of content) {
      const bytes = Buffer.from(piece);
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await retry(() => file.write(bytes, at));
        at += bytesWritten;
      }
    }
  } finally {
    await file.close();
  }

  async function retry<Value>(operation: () => Promise<Value>): Promise<Value> {
    for (;;) {
      try {
        return await operation();
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (ended.aborted || (code !== "ENXIO" && code !== "EAGAIN")) throw error;
        await io.sleep(RETRY, ended);
      }
    }
  }
}
