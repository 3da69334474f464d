import { CannotRun } from "./errors.ts";
import type { ExitCode } from "./exit-codes.ts";
import { type Io, processIo, watchOutputs } from "./io.ts";
import { istioUpgrade, sentence } from "./next-step.ts";
import manifest from "../package.json" with { type: "json" };

/**
 * Runs the program and returns its exit code. No other function reports an error.
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
      { code: "output" },
    );
  } catch (error) {
    const { reportFailure } = await import("./failure.ts");
    return await reportFailure(error, argv, io);
  }
}
