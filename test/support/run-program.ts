import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The result of a run of the program. */
export interface RunResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const BIN = fileURLToPath(new URL("../../bin/istio-upgrade.js", import.meta.url));
const ONE_FILE = process.env["ISTIO_UPGRADE_PROGRAM"];

/** The path of the program under test: `ISTIO_UPGRADE_PROGRAM`, or the script that runs `dist/`. */
export const PROGRAM: string = ONE_FILE || BIN;

/** The command that starts the program under test, and its first arguments. */
export const COMMAND: readonly [string, ...string[]] = ONE_FILE
  ? [ONE_FILE]
  : [process.execPath, BIN];

/** A run of the program that is in progress. */
export interface RunningProgram {
  readonly done: Promise<RunResult>;
  /** Returns the text on stderr so far. */
  stderr(): string;
  signal(name: NodeJS.Signals): void;
}

/**
 * Starts the program as a user would: in its own process, without a terminal, without colour and
 * with an empty stdin. The environment is the caller's, without the variables that could lead to a
 * cluster.
 *
 * @param launcher a command that starts the program: the program and its arguments follow its words.
 */
export function startProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  launcher: readonly string[] = [],
): RunningProgram {
  const { KUBECONFIG: _, KUBERNETES_SERVICE_HOST: __, FORCE_COLOR: ___, ...own } = process.env;
  const [command = "", ...words] = [...launcher, ...COMMAND, ...args];
  const child = spawn(command, words, {
    env: { ...own, NO_COLOR: "1", HOME: "/nonexistent", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const done = new Promise<RunResult>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
  return { done, stderr: () => stderr, signal: (name) => void child.kill(name) };
}

export function runProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  return startProgram(args, env).done;
}

/** Returns the variable by which Node.js runs a script before the program. */
export function preloading(script: string): { readonly NODE_OPTIONS: string } {
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(script)}` };
}

/** Runs the program in the terminal of this process, for a person to watch. */
export function runVisibly(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number | null> {
  const [command, ...first] = COMMAND;
  const child = spawn(command, [...first, ...args], {
    env: { ...process.env, ...env },
    stdio: "inherit",
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
}
