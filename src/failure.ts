import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "./errors.ts";
import type { ExitCode } from "./exit-codes.ts";
import type { Env, Io } from "./io.ts";
import type { ErrorDocument } from "./report/document.ts";
import { errorDocument } from "./report/error-document.ts";
import { resultLine } from "./report/exit-reasons.ts";
import { writeResultLine } from "./report/result-line.ts";
import { toJson } from "./report/json.ts";
import { createStepFormatter } from "./report/next-step-text.ts";
import { formatOfFile } from "./file-format.ts";
import { isUnfinishedPage } from "./report/page-file.ts";
import { writeStacks } from "./report/error-stack.ts";

/** Commands whose last line on stderr is RESULT, in any output format. */
const WITH_RESULT: ReadonlySet<string> = new Set(["check", "restart", "verify", "status", "move"]);

/** Commands that print documents, and end with RESULT only if a script reads the output. */
const WITH_DOCUMENT: ReadonlySet<string> = new Set(["explain", "revisions"]);

/**
 * Prints an error: two sentences on stderr, and for scripts the RESULT line and, with `--output json`,
 * `jsonl` or `html`, a document, which `--report-file` gets as well.
 *
 * @param argv the arguments, which may be the error.
 */
export async function reportFailure(
  error: unknown,
  argv: readonly string[],
  io: Io,
): Promise<ExitCode> {
  const document = errorDocument(error, null, createStepFormatter({}));
  const { code, message, hint, exitCode } = document;
  io.stderr.write(`error: ${message}\n${hint}\n`);
  writeStacks(error, io);
  const output = outputIn(argv);
  const command = argv.find((word) => WITH_RESULT.has(word) || WITH_DOCUMENT.has(word));
  const reportFiles = valuesIn(argv, "--report-file");
  const hasResult = command !== undefined && (WITH_RESULT.has(command) || output !== "text");
  if (command === undefined || (!hasResult && reportFiles.length === 0)) return exitCode;
  // After a mistyped command, a person waits for the message, and knows the cluster.
  const isQuick = code === "usage" && output === "text" && reportFiles.length === 0;
  const read = error instanceof UsageError ? error.context : undefined;
  const cluster =
    read ?? contextFlag(argv) ?? (isQuick ? undefined : await currentContext(argv, io.env));
  // If only the output failed, the report was printed before.
  if (code !== "output") {
    const named = { ...document, cluster: { context: cluster ?? null } };
    await printDocument(named, output, io);
    // The next check compares with the earlier report.
    const earlier = valueIn(argv, "--since");
    for (const file of reportFiles.filter((name) => !isSameFile(name, earlier))) {
      await writeToFile(file, named, io);
    }
  }
  if (hasResult) {
    const line = resultLine(exitCode, cluster ?? "unknown", { error: code });
    await writeResultLine(io, line, { color: "auto", headers: true });
  }
  return exitCode;
}

function isSameFile(file: string, other: string | undefined): boolean {
  return other !== undefined && resolve(file) === resolve(other);
}

/** Prints the document for a program that reads the output. */
async function printDocument(
  document: ErrorDocument,
  output: MachineOutput | "text",
  io: Io,
): Promise<void> {
  switch (output) {
    case "text":
      return;
    case "json":
    case "jsonl":
      io.stdout.write(`${toJson(document, output === "json" ? 2 : undefined)}\n`);
      return;
    case "html": {
      const { renderHtml } = await import("./report/html/document-page.ts");
      for (const piece of renderHtml(document)) io.stdout.write(piece);
      return;
    }
    case "prometheus": {
      // After wrong usage, the cluster may be another one.
      if (document.code === "usage") return;
      const { renderMetrics } = await import("./report/prometheus.ts");
      io.stdout.write([...renderMetrics([document], io.now().toISOString())].join(""));
    }
  }
}

/** Replaces the report of an earlier run, which would look like the result of this one. */
async function writeToFile(file: string, document: ErrorDocument, io: Io): Promise<void> {
  // After wrong usage, the cluster may be another one.
  if (document.code === "usage" && formatOfFile(file) === "prometheus") return;
  // A run that changed something has recorded what it did.
  if (document.code === "bug" && isUnfinished(file)) return;
  const { createReportFile } = await import("./commands/report-file.ts");
  try {
    await (await createReportFile(file, io)).write(document);
  } catch {
    // The file may be the error, which was printed.
  }
}

/** True if the file has the record of a restart that was still in progress. */
function isUnfinished(file: string): boolean {
  try {
    // A pipe would wait for a writer.
    if (!statSync(file).isFile()) return false;
    const text = readFileSync(file, "utf8");
    if (formatOfFile(file) === "html") return isUnfinishedPage(text);
    const { exitReasons } = JSON.parse(text) as { exitReasons?: unknown };
    return JSON.stringify(exitReasons ?? []).includes('"unfinished:');
  } catch {
    return false;
  }
}

/**
 * Returns the kind of output that the arguments ask for. They may not be valid, so they are not
 * parsed as a whole.
 */
function outputIn(argv: readonly string[]): MachineOutput | "text" {
  const format = argv.includes("--json") ? "json" : valueIn(argv, "--output", "-o");
  return MACHINE_OUTPUTS.find((known) => known === format) ?? "text";
}

/** The formats in which a failure is a document, too. */
const MACHINE_OUTPUTS = ["json", "jsonl", "html", "prometheus"] as const;

type MachineOutput = (typeof MACHINE_OUTPUTS)[number];

function contextFlag(argv: readonly string[]): string | undefined {
  const context = valueIn(argv, "--context");
  return context === "" ? undefined : context;
}

/** Returns the context that the kubeconfig names; `undefined` if none can be found. */
async function currentContext(argv: readonly string[], env: Env): Promise<string | undefined> {
  const { readContexts } = await import("./connection/known-contexts.ts");
  try {
    const { current, isConfigured } = readContexts(valueIn(argv, "--kubeconfig"), env);
    const isInPod = !isConfigured && env["KUBERNETES_SERVICE_HOST"] !== undefined;
    return current ?? (isInPod ? "in-cluster" : undefined);
  } catch {
    // The kubeconfig may be the error.
    return undefined;
  }
}

/** Returns the last value of a flag: `--output json`, `--output=json`, `-o json`, `-ojson`. */
function valueIn(argv: readonly string[], long: string, short?: string): string | undefined {
  return valuesIn(argv, long, short).at(-1);
}

function valuesIn(argv: readonly string[], long: string, short?: string): readonly string[] {
  return argv.flatMap((word, index) => {
    if (word === long || word === short) return [argv[index + 1] ?? ""];
    if (word.startsWith(`${long}=`)) return [word.slice(long.length + 1)];
    return short !== undefined && word.startsWith(short) ? [word.slice(short.length)] : [];
  });
}
