import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheFolder } from "./cache-folder.ts";

const VERSION = "0.29.0";
const run = promisify(execFile);

/** The only problem of an ad-hoc signature: it has no certificate, so that nobody vouches for it. */
const NO_CERTIFICATE = "CMS error: missing further values (at position 0)";

/**
 * Signs a program for macOS ad hoc, and verifies the signature: macOS on arm64 runs no program
 * without one, and that of Node does not cover the script.
 *
 * @throws Error if the result does not verify.
 */
export async function signAdHoc(program: string): Promise<void> {
  const rcodesign = await signer();
  await run(rcodesign, ["sign", "--binary-identifier", "istio-upgrade", program]);
  const problems = await signatureProblems(program);
  if (problems.length > 0) throw new Error(`${program}: ${problems.join("; ")}`);
}

/** Returns what is wrong with an ad-hoc signature. */
export async function signatureProblems(program: string): Promise<readonly string[]> {
  const ended = await run(await signer(), ["verify", program]).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  const lines = ended.stdout.trim().split("\n");
  // Without this line, the signature is missing, or not ad hoc.
  if (!lines.includes(NO_CERTIFICATE)) return [...lines, ended.stderr.trim()];
  return lines.filter((line) => line !== NO_CERTIFICATE);
}

/** True if apple-codesign is in the user's cache. */
export function isSignerBuilt(): boolean {
  return existsSync(signerIn(signerFolder()));
}

/** Returns the path of apple-codesign, which is built into the user's cache the first time. */
async function signer(): Promise<string> {
  const folder = signerFolder();
  const program = signerIn(folder);
  if (existsSync(program)) return program;
  process.stderr.write(
    "release: building apple-codesign, which takes about 15 minutes on two cores\n",
  );
  const args = ["install", `apple-codesign@${VERSION}`, "--locked", "--no-default-features"];
  await run("cargo", [...args, "--root", folder], { maxBuffer: 2 ** 30 }).catch((cause) => {
    throw new Error("apple-codesign, which signs the program for macOS, was not built", { cause });
  });
  return program;
}

function signerFolder(): string {
  return cacheFolder(`apple-codesign-${VERSION}`);
}

function signerIn(folder: string): string {
  return join(folder, "bin", "rcodesign");
}
