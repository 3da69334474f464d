import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The seconds, seconds of CPU and peak MB of memory that one run of a command took. */
export interface Run {
  readonly seconds: number;
  readonly cpu: number;
  readonly memory: number;
}

export interface Command {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Exit codes besides 0 that count as success. */
  readonly fine?: readonly number[];
}

/**
 * The home folder of all commands, as for a user who has run them before: kubectl keeps what it discovered
 * there, and istio-upgrade its compiled code.
 */
const HOME = mkdtempSync(join(tmpdir(), "istio-upgrade-bench-home-"));
process.once("exit", () => rmSync(HOME, { recursive: true, force: true }));

/**
 * Runs a command under GNU time, which measures the peak memory of a child, and discards its output.
 * For a pipeline, the memory is that of the largest process.
 *
 * @throws if the command fails.
 */
export async function runOnce({ name, argv, env = {}, fine = [] }: Command): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), "istio-upgrade-bench-"));
  const file = join(folder, "time");
  try {
    const child = spawn("/usr/bin/time", ["-o", file, "-f", "%e %U %S %M", ...argv], {
      env: { PATH: process.env["PATH"] ?? "", HOME, NO_COLOR: "1", ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const started = performance.now();
    const code = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", resolve);
    });
    const seconds = (performance.now() - started) / 1000;
    if (code !== 0 && !fine.includes(code ?? -1)) {
      throw new Error(`${name} ended with ${code}: ${stderr.slice(-2000)}`);
    }
    // GNU time prints a line about an exit code other than 0 first.
    const last = readFileSync(file, "utf8").trim().split("\n").at(-1) ?? "";
    const [, user = 0, system = 0, kilobytes = 0] = last.split(" ").map(Number);
    return { seconds, cpu: user + system, memory: kilobytes / 1024 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] =
    sorted.length % 2 === 0 ? sorted.slice(middle - 1) : [sorted[middle], sorted[middle]];
  return (low + high) / 2;
}
