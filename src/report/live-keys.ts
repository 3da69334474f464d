import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Io } from "../io.ts";

/** The signals that a terminal sends for a key, by the code of the key. */
const SIGNALS: ReadonlyMap<number, NodeJS.Signals> = new Map([
  [0x03, "SIGINT"],
  [0x1a, "SIGTSTP"],
  [0x1c, "SIGQUIT"],
]);

/**
 * Reads the keyboard and drops the keys, because a terminal would write them between the live lines.
 * Keys that send a signal still send it.
 *
 * @param pause is called before a signal that stops the process, and returns a function that resumes.
 * @returns a function that gives the keyboard back.
 */
export function dropKeys(io: Pick<Io, "stdin" | "process">, pause: () => () => void): () => void {
  const keyboard = io.stdin as NodeJS.ReadStream;
  if (io.stdin.isTTY !== true || !isInForeground(io.process)) return () => undefined;
  const onData = (bytes: Buffer | string) => {
    for (const code of Buffer.from(bytes)) {
      const signal = SIGNALS.get(code);
      if (signal !== undefined) send(io.process, signal, pause);
    }
  };
  setRaw(keyboard, true);
  keyboard.on("data", onData);
  // The terminal may be closed.
  keyboard.on("error", ignore);
  keyboard.resume();
  return () => {
    keyboard.off("data", onData);
    keyboard.pause();
    // In the background, a change of the terminal would stop the process.
    if (isInForeground(io.process)) setRaw(keyboard, false);
  };
}

function ignore(): void {}

/** Sends a signal to all processes of the job, as the terminal does. */
function send(self: Io["process"], signal: NodeJS.Signals, pause: () => () => void): void {
  const resume = signal === "SIGINT" ? undefined : pause();
  self.kill(0, signal);
  resume?.();
}

function setRaw(keyboard: NodeJS.ReadStream, raw: boolean): void {
  try {
    keyboard.setRawMode(raw);
  } catch {
    // The terminal is gone.
  }
}

/** True if the shell gave this process the terminal. A job in the background must not change it. */
function isInForeground({ platform, pid }: Io["process"]): boolean {
  // Windows has no signals for keys.
  if (platform === "win32") return false;
  const groups = platform === "linux" ? groupsFromProc() : groupsFromPs(pid);
  return groups !== undefined && groups.own === groups.foreground;
}

interface ProcessGroups {
  readonly own: string | undefined;
  readonly foreground: string | undefined;
}

/** Source: proc_pid_stat(5). The name of the program, in brackets, may contain spaces. */
function groupsFromProc(): ProcessGroups | undefined {
  try {
    const stat = readFileSync("/proc/self/stat", "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { own: fields[2], foreground: fields[5] };
  } catch {
    return undefined;
  }
}

function groupsFromPs(pid: number): ProcessGroups | undefined {
  const { stdout } = spawnSync("ps", ["-o", "pgid=,tpgid=", "-p", String(pid)], {
    encoding: "utf8",
  });
  const [own, foreground] = (stdout ?? "").trim().split(/\s+/);
  return own === "" ? undefined : { own, foreground };
}
