import { CannotRun, type FailureCode, Interrupted, messageOf, UsageError } from "../errors.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { API_VERSION, type ErrorDocument } from "./document.ts";
import type { StepFormatter } from "./next-step-text.ts";
import { plain, plainCommand } from "./plain.ts";

/**
 * Returns the document about a command that could not run.
 *
 * @param context the kubeconfig context; null if it is unknown.
 */
export function errorDocument(
  error: unknown,
  context: string | null,
  formatStep: StepFormatter,
): ErrorDocument {
  const code = failureCodeOf(error);
  return {
    apiVersion: API_VERSION,
    kind: "Error",
    cluster: { context },
    code,
    message: plain(messageOf(error)),
    hint: hintOf(error, formatStep),
    exitCode: exitCodeFor(code),
  };
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

function hintOf(error: unknown, formatStep: StepFormatter): string {
  const isKnown =
    error instanceof CannotRun || error instanceof UsageError || error instanceof Interrupted;
  return isKnown
    ? plainCommand(formatStep(error.hint))
    : "this is a bug; set DEBUG=1 to see where it comes from";
}
