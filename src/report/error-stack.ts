import type { Io } from "../io.ts";
import { plain } from "./plain.ts";

/** Writes the stack of an error and of each of its causes to stderr, if `DEBUG` is set. */
export function writeStacks(error: unknown, io: Pick<Io, "stderr" | "env">): void {
  if (io.env["DEBUG"] === undefined || !(error instanceof Error)) return;
  const lines = (error.stack ?? "").split("\n").map((line) => `  ${plain(line)}`);
  io.stderr.write(`${lines.join("\n")}\n`);
  writeStacks(error.cause, io);
}
