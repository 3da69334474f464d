import { Chalk } from "chalk";
import type { Io, Output } from "../io.ts";
import type { DisplaySettings } from "../settings.ts";

/** The colors and the width of one output stream. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
  /** The columns of the terminal; `undefined` for a file or a pipe. */
  readonly width: number | undefined;
  readonly headers: boolean;
}

export function styleFor(
  stream: Output,
  { color, headers }: Pick<DisplaySettings, "color" | "headers">,
  io: Pick<Io, "env">,
): Style {
  const chalk = new Chalk({ level: hasColor(stream, color, io.env) ? 1 : 0 });
  return {
    bold: chalk.bold,
    dim: chalk.dim,
    good: chalk.green,
    warn: chalk.yellow,
    bad: chalk.red,
    width: stream.isTTY === true ? (stream.columns ?? 80) : undefined,
    headers,
  };
}

/**
 * Applies the flag, then FORCE_COLOR (force-color.org), NO_COLOR (no-color.org), then the terminal.
 */
function hasColor(stream: Output, color: DisplaySettings["color"], env: Io["env"]): boolean {
  if (color !== "auto") return color === "always";
  const force = env["FORCE_COLOR"];
  if (force !== undefined && force !== "") return force !== "0";
  if (env["NO_COLOR"] || env["TERM"] === "dumb") return false;
  return stream.isTTY === true;
}
