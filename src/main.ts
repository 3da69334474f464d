import { CannotRun, UsageError } from "./errors.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { type Io, processIo } from "./io.ts";
import { plain, plainCommand } from "./report/plain.ts";
import manifest from "../package.json" with { type: "json" };

/**
 * The whole program: arguments in, exit code out. The only place that prints an error; no stack
 * unless `DEBUG` is set.
 */
export async function main(argv: readonly string[], io: Io = processIo): Promise<ExitCode> {
  try {
    const { runCli } = await import("./cli.ts");
    return await runCli(argv, manifest.version, io);
  } catch (error) {
    return report(error, io);
  }
}

function report(error: unknown, io: Io): ExitCode {
  const known = error instanceof CannotRun || error instanceof UsageError;
  const message = error instanceof Error ? error.message : String(error);
  io.stderr.write(`error: ${plain(message)}\n`);
  io.stderr.write(
    known ? `${plainCommand(error.hint)}\n` : "this is a bug; DEBUG=1 prints where it came from\n",
  );
  if (io.env["DEBUG"] !== undefined && error instanceof Error) {
    const lines = (error.stack ?? "").split("\n").map((line) => `  ${plain(line)}`);
    io.stderr.write(`${lines.join("\n")}\n`);
  }
  return error instanceof UsageError ? EXIT.usage : EXIT.couldNotRun;
}
