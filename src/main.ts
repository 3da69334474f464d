import { CannotRun, Interrupted, messageOf, UsageError } from "./errors.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { type Io, processIo, watchOutputs } from "./io.ts";
import { istioUpgrade, sentence } from "./next-step.ts";
import { createStepFormatter } from "./report/next-step-text.ts";
import { plain, plainCommand } from "./report/plain.ts";
import { writeStacks } from "./report/stack.ts";
import manifest from "../package.json" with { type: "json" };

/**
 * Runs the program and returns its exit code. No other function prints an error. The stack is
 * printed only if `DEBUG` is set.
 */
export async function main(argv: readonly string[], io: Io = processIo): Promise<ExitCode> {
  const lostOutput = io === processIo ? watchOutputs() : async () => undefined;
  try {
    const { runCli } = await import("./cli.ts");
    const exitCode = await runCli(argv, manifest.version, io);
    const lost = await lostOutput();
    if (lost === undefined) return exitCode;
    throw new CannotRun(
      `the result could not be written to stdout: ${lost.code}`,
      sentence`nothing was undone; see the current state: ${istioUpgrade("check")}`,
    );
  } catch (error) {
    return printError(error, io);
  }
}

function printError(error: unknown, io: Io): ExitCode {
  const known =
    error instanceof CannotRun || error instanceof UsageError || error instanceof Interrupted;
  io.stderr.write(`error: ${plain(messageOf(error))}\n`);
  io.stderr.write(
    known
      ? `${plainCommand(createStepFormatter({})(error.hint))}\n`
      : "this is a bug; set DEBUG=1 to see where it comes from\n",
  );
  writeStacks(error, io);
  if (error instanceof Interrupted) {
    return error.signal === "SIGINT" ? EXIT.interrupted : EXIT.terminated;
  }
  return error instanceof UsageError ? EXIT.usage : EXIT.couldNotRun;
}
