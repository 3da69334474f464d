import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const TOOLS = fileURLToPath(new URL("tools", import.meta.url));

export const GO_TOOLS = ["actionlint", "krew", "umoci"] as const;

/**
 * Returns the path of a program that `tools/go.mod` names. Go builds it the first time.
 *
 * @throws Error if there is no Go.
 */
export async function goTool(name: (typeof GO_TOOLS)[number]): Promise<string> {
  const options = { cwd: TOOLS, env: goEnvironment() };
  const { stdout } = await promisify(execFile)("go", ["tool", "-n", name], options);
  return stdout.trim();
}

/** Returns the environment without the user's own Go flags, which would change what is built. */
export function goEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, CGO_ENABLED: "0", GOFLAGS: "", GOWORK: "off" };
}
