import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import xterm from "@xterm/headless";

const BIN = fileURLToPath(new URL("../../bin/istio-upgrade.js", import.meta.url));

/** A run of the program on a terminal of 80 columns. */
export interface TerminalRun {
  /** Returns the text on the screen, scrolled lines included, without empty lines at the end. */
  screen(): Promise<string>;
  type(text: string): void;
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

/** Runs the program in the pseudo-terminal of `script` (util-linux); xterm.js renders the output. */
export function startOnTerminal(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): TerminalRun {
  const columns = 80;
  const terminal = new xterm.Terminal({ cols: columns, rows: 60, allowProposedApi: true });
  const command = [process.execPath, BIN, ...args].map((word) => `'${word}'`).join(" ");
  const { CI: _ci, ...own } = process.env;
  const child = spawn(
    "script",
    [
      "--quiet",
      "--flush",
      "--return",
      "--command",
      `stty cols ${columns}; ${command}`,
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
    done: new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    }),
  };
}
