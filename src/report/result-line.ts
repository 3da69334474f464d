import { type Io, isWatched } from "../io.ts";
import type { DisplaySettings } from "../settings.ts";

/**
 * Writes the RESULT line to stderr, where scripts find it. For a person, who reads the same numbers in
 * the report, the line is dim. If the person pipes the report into a pager, the line would appear in
 * the middle of its screen, and is left out.
 */
export async function writeResultLine(
  io: Io,
  line: string,
  display: Pick<DisplaySettings, "color" | "headers">,
): Promise<void> {
  if (!isWatched(io)) {
    io.stderr.write(`${line}\n`);
  } else if (!io.isStdoutPiped()) {
    // Scripts do without these modules.
    const [{ styleFor }, { wrapAnsi }] = await Promise.all([
      import("./style.ts"),
      import("fast-wrap-ansi"),
    ]);
    const style = styleFor(io.stderr, display, io);
    io.stderr.write(`${style.dim(wrapAnsi(line, style.width ?? 80))}\n`);
  }
}
