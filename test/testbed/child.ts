import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A program of the bed that runs until the bed ends. */
export interface Child {
  readonly name: string;
  readonly process: ChildProcess;
  readonly log: string;
}

export interface ChildOptions {
  /** Added to the path and the home folder, which are all that a child sees of our environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Starts a program in the bed's process group, which the reaper ends; its output goes to a log. */
export function startChild(
  folder: string,
  name: string,
  program: string,
  args: readonly string[],
  options: ChildOptions = {},
): Child {
  const log = join(folder, "logs", `${name}.log`);
  mkdirSync(join(folder, "logs"), { recursive: true });
  const output = openSync(log, "a");
  const child = spawn(program, args, {
    cwd: options.cwd ?? folder,
    env: { ...childEnvironment(folder), ...options.env },
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  child.on("error", () => undefined); // Shows as an exit without code to those who wait.
  return { name, process: child, log };
}

/** Programs keep their caches in the home folder; theirs is the bed's. */
export function childEnvironment(folder: string): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", HOME: folder, KUBECONFIG: join(folder, "kubeconfig") };
}

/**
 * Waits until `check` is true; an error it throws counts as "not yet".
 * @throws where `seconds` pass first, or where the child that is waited for ended; with its last words.
 */
export async function waitUntil(
  what: string,
  check: () => Promise<boolean> | boolean,
  child?: Child,
  seconds = 60,
): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  let reason: unknown = "";
  while (Date.now() < deadline) {
    if (child !== undefined && hasEnded(child)) throw new Error(`${what}: ${lastWords(child)}`);
    try {
      if (await check()) return;
    } catch (error) {
      reason = error;
    }
    await sleep(50);
  }
  const words = child === undefined ? String(reason) : `${String(reason)}\n${lastWords(child)}`;
  throw new Error(`${what}: not within ${seconds} s. ${words}`);
}

export async function endChild(child: Child): Promise<void> {
  if (hasEnded(child)) return;
  const ended = new Promise((done) => child.process.once("exit", done));
  child.process.kill("SIGKILL");
  await ended;
}

function hasEnded(child: Child): boolean {
  const { pid, exitCode, signalCode } = child.process;
  return pid === undefined || exitCode !== null || signalCode !== null;
}

function lastWords(child: Child): string {
  const lines = readFileSync(child.log, "utf8").trim().split("\n").slice(-15);
  const state = hasEnded(child) ? `ended with ${child.process.exitCode}` : "runs";
  return `${child.name} ${state}; its log ends:\n${lines.join("\n")}`;
}
