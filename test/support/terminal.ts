import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import xterm from "@xterm/headless";
import { COMMAND } from "./run-program.ts";

/** A run of the program on a terminal of 80 columns and 60 rows. */
export interface TerminalRun {
  /** Returns the text on the screen, scrolled lines included, without empty lines at the end. */
  screen(): Promise<string>;
  type(text: string): void;
  /** Ends the program, if it has not ended. */
  kill(): void;
  /** Changes the width of the terminal, which wraps its lines and tells the program. */
  resize(columns: number): void;
  /** The exit code. */
  readonly done: Promise<number | null>;
}

/** Skips a test that needs a terminal, except on Linux. */
export function requireTerminal(skip: (reason: string) => void): void {
  if (process.platform === "linux") return;
  const reason = "only the script command of util-linux takes these flags";
  process.stderr.write(`skipped: ${reason}\n`);
  skip(reason);
}

/**
 * Runs the program on a terminal.
 *
 * @param reader a shell command that reads stdout, such as a pager.
 */
export function startOnTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  reader?: string,
): TerminalRun {
  const program = [...COMMAND, ...args].map((word) => `'${word}'`).join(" ");
  return startCommandOnTerminal(reader === undefined ? program : `${program} | ${reader}`, env);
}

/** Runs a shell command in the pseudo-terminal of `script` (util-linux); xterm.js renders the output. */
export function startCommandOnTerminal(
  command: string,
  env: Readonly<Record<string, string>>,
): TerminalRun {
  const [columns, rows] = [80, 60];
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  const device = join(mkdtempSync(join(tmpdir(), "istio-upgrade-")), "tty");
  const { CI: _ci, ...own } = process.env;
  const child = spawn(
    "script",
    [
      "--quiet",
      "--flush",
      "--return",
      "--command",
      `stty cols ${columns} rows ${rows}; tty > ${device}; ${command}`,
      "/dev/null",
    ],
    { env: { ...own, TERM: "xterm", NO_COLOR: "1", ...env }, stdio: "pipe" },
  );
  let written = Promise.resolve();
  child.stdout.on("data", (bytes: Buffer) => {
    written = written.then(() => new Promise((resolve) => terminal.write(bytes, resolve)));
  });
  return {
    screen: async () => {
      await written;
      const { active } = terminal.buffer;
      const lines = Array.from({ length: active.length }, (_, row) =>
        active.getLine(row)?.translateToString(true),
      );
      return lines.join("\n").trimEnd();
    },
    type: (text) => child.stdin.write(text),
    kill: () => child.kill("SIGKILL"),
    resize: (width) => {
      terminal.resize(width, rows);
      execFileSync("stty", ["-F", readFileSync(device, "utf8").trim(), "cols", String(width)]);
    },
    done: new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    }),
  };
}
