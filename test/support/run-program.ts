import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** How a spawned run of the program ended. */
export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const BIN = fileURLToPath(new URL("../../bin/istio-upgrade.js", import.meta.url));

/** A run of the real program that is under way. */
export interface Running {
  readonly done: Promise<Ran>;
  /** What it has written to stderr so far. */
  stderr(): string;
  signal(name: NodeJS.Signals): void;
}

/**
 * Starts the program as a user would: another process, no terminal, no colour, an empty stdin. The
 * environment is the caller's own without what could lead to a cluster.
 */
export function startProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running {
  const { KUBECONFIG: _, KUBERNETES_SERVICE_HOST: __, FORCE_COLOR: ___, ...own } = process.env;
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { ...own, NO_COLOR: "1", HOME: "/nonexistent", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const done = new Promise<Ran>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, stdout, stderr }));
  });
  return { done, stderr: () => stderr, signal: (name) => void child.kill(name) };
}

export function runProgram(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  return startProgram(args, env).done;
}

/** Runs the program on this process's own terminal, for a person to watch. */
export function runVisibly(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number | null> {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { ...process.env, ...env },
    stdio: "inherit",
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
}
