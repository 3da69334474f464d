import { CannotRun, type FailureCode, Interrupted, messageOf, UsageError } from "./errors.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import type { Env, Io } from "./io.ts";
import { API_VERSION, type ErrorDocument } from "./report/document.ts";
import { resultLine } from "./report/exit-reasons.ts";
import { toJson } from "./report/json.ts";
import { createStepFormatter } from "./report/next-step-text.ts";
import { plain, plainCommand } from "./report/plain.ts";
import { writeStacks } from "./report/error-stack.ts";

/** Commands whose last line on stderr is RESULT, in any output format. */
const WITH_RESULT: ReadonlySet<string> = new Set(["check", "restart", "verify"]);

/** Commands that print documents, and end with RESULT only if a script reads the output. */
const WITH_DOCUMENT: ReadonlySet<string> = new Set(["explain", "revisions"]);

/**
 * Prints an error: two sentences on stderr, and for scripts the RESULT line and, with `--output json`
 * or `jsonl`, a document.
 *
 * @param argv the arguments, which may be the error.
 */
export async function reportFailure(
  error: unknown,
  argv: readonly string[],
  io: Io,
): Promise<ExitCode> {
  const code = failureCodeOf(error);
  const exitCode = exitCodeFor(code);
  const hint = hintOf(error);
  const message = plain(messageOf(error));
  io.stderr.write(`error: ${message}\n${hint}\n`);
  writeStacks(error, io);
  const output = outputIn(argv);
  const command = argv.find((word) => WITH_RESULT.has(word) || WITH_DOCUMENT.has(word));
  if (command === undefined || (WITH_DOCUMENT.has(command) && output === "text")) return exitCode;
  // After a mistyped command, a person waits for the message, and knows the cluster.
  const isQuick = code === "usage" && output === "text";
  const cluster = contextFlag(argv) ?? (isQuick ? undefined : await currentContext(argv, io.env));
  // If only the output failed, the report was printed before.
  if (output !== "text" && code !== "output") {
    const document: ErrorDocument = {
      apiVersion: API_VERSION,
      kind: "Error",
      cluster: { context: cluster ?? null },
      code,
      message,
      hint,
      exitCode,
    };
    io.stdout.write(`${toJson(document, output === "json" ? 2 : undefined)}\n`);
  }
  io.stderr.write(`${resultLine(exitCode, cluster ?? "unknown", { error: code })}\n`);
  return exitCode;
}

function failureCodeOf(error: unknown): FailureCode {
  if (error instanceof UsageError) return "usage";
  if (error instanceof CannotRun) return error.code;
  if (error instanceof Interrupted) return error.signal === "SIGINT" ? "interrupted" : "terminated";
  return "bug";
}

function exitCodeFor(code: FailureCode): ExitCode {
  switch (code) {
    case "usage":
      return EXIT.usage;
    case "interrupted":
      return EXIT.interrupted;
    case "terminated":
      return EXIT.terminated;
    default:
      return EXIT.couldNotRun;
  }
}

function hintOf(error: unknown): string {
  const isKnown =
    error instanceof CannotRun || error instanceof UsageError || error instanceof Interrupted;
  return isKnown
    ? plainCommand(createStepFormatter({})(error.hint))
    : "this is a bug; set DEBUG=1 to see where it comes from";
}

/**
 * Returns the kind of output that the arguments ask for. They may not be valid, so they are not
 * parsed as a whole.
 */
function outputIn(argv: readonly string[]): "json" | "jsonl" | "text" {
  const format = argv.includes("--json") ? "json" : valueIn(argv, "--output", "-o");
  return format === "json" || format === "jsonl" ? format : "text";
}

function contextFlag(argv: readonly string[]): string | undefined {
  const context = valueIn(argv, "--context");
  return context === "" ? undefined : context;
}

/** Returns the context that the kubeconfig names; `undefined` if none can be found. */
async function currentContext(argv: readonly string[], env: Env): Promise<string | undefined> {
  const { findKubeconfigFiles } = await import("./connection/chosen-context.ts");
  const { mergeKubeconfigs, readKubeconfig } = await import("./connection/kubeconfig-file.ts");
  try {
    const files = findKubeconfigFiles(valueIn(argv, "--kubeconfig"), env);
    const kubeconfig = mergeKubeconfigs(files.map((file) => readKubeconfig(file)));
    const isInPod = files.length === 0 && env["KUBERNETES_SERVICE_HOST"] !== undefined;
    return kubeconfig.currentContext ?? (isInPod ? "in-cluster" : undefined);
  } catch {
    // The kubeconfig may be the error.
    return undefined;
  }
}

/** Returns the last value of a flag: `--output json`, `--output=json`, `-o json`, `-ojson`. */
function valueIn(argv: readonly string[], long: string, short?: string): string | undefined {
  const values = argv.flatMap((word, index) => {
    if (word === long || word === short) return [argv[index + 1] ?? ""];
    if (word.startsWith(`${long}=`)) return [word.slice(long.length + 1)];
    return short !== undefined && word.startsWith(short) ? [word.slice(short.length)] : [];
  });
  return values.at(-1);
}
