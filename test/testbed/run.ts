import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { childEnvironment } from "./child.ts";

/**
 * Runs a program of the bed to its end and returns its output.
 *
 * @throws if the program fails, with its output.
 */
export async function run(
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
