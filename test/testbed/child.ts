import { execFile, spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/** A program that runs until the bed ends. */
export interface Child {
  readonly name: string;
  readonly process: ChildProcess;
  readonly log: string;
}

export interface ChildOptions {
  /** The variables besides PATH, HOME and KUBECONFIG: a child inherits no others. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Starts a program in the bed's process group, which the reaper ends. Its output goes to a log. */
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
  child.on("error", () => undefined); // `waitUntil` reports it as an exit without a code.
  return { name, process: child, log };
}

/** The bed's folder is the home folder, because programs keep caches there. */
function childEnvironment(folder: string): Record<string, string> {
  return { PATH: process.env["PATH"] ?? "", HOME: folder, KUBECONFIG: join(folder, "kubeconfig") };
}

/**
 * Waits until `check` returns true. An error in `check` counts as false.
 *
 * @throws after `seconds`, or if the child has ended, with the end of its log.
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
    if (child !== undefined && hasEnded(child)) throw new Error(`${what}: ${endOfLog(child)}`);
    try {
      if (await check()) return;
    } catch (error) {
      reason = error;
    }
    await sleep(50);
  }
  const log = child === undefined ? String(reason) : `${String(reason)}\n${endOfLog(child)}`;
  throw new Error(`${what}: not ready after ${seconds} s. ${log}`);
}

/**
 * Runs a program of the bed to its end and returns its output.
 *
 * @throws if the program fails, with its output.
 */
export async function runToEnd(
  folder: string,
  program: string,
  args: readonly string[],
): Promise<string> {
  const { stdout } = await promisify(execFile)(program, args, {
    cwd: folder,
    env: childEnvironment(folder),
    maxBuffer: 64 * 1024 ** 2,
  });
  return stdout;
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

function endOfLog(child: Child): string {
  // istiod logs its certificates, and such a line at each poll of `waitUntil`. They would hide its reason.
  const log = readFileSync(child.log, "utf8").replace(/-----BEGIN .*?-----END .*?-----/gs, "[…]");
  const all = log.trim().split("\n");
  const lines = all.filter((line) => !line.endsWith("is not ready")).slice(-40);
  const state = hasEnded(child) ? `ended with ${child.process.exitCode}` : "runs";
  return `${child.name} ${state}; its log ends with:\n${lines.join("\n")}`;
}
