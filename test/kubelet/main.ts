/**
 * `npm run test:kubelet` runs the tests that need a real kubelet, if this machine allows it. The
 * arguments are passed to vitest.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, rmdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BuildError, buildKubelet, buildPrograms } from "../testbed/build.ts";
import { createControlGroup, controlGroup, removeControlGroups } from "./control-groups.ts";
import { runtimePackages } from "./debian.ts";
import { namespacesRefused, runInNamespaces } from "./namespaces.ts";
import type { NodeSettings } from "./node.ts";

/** Folders of the tests have this prefix, and the process number of their owner. */
const FOLDER = join(tmpdir(), "istio-upgrade-kubelet-");

try {
  await removeLeftovers();
  await main();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  if (process.platform !== "linux") return skip("it needs Linux");
  if (process.getuid?.() !== 0) return skip("it needs root, for namespaces and control groups");
  let packages: string;
  try {
    packages = await runtimePackages();
  } catch (error) {
    return skip(`containerd is not available from Debian's packages: ${lastLine(error)}`);
  }
  try {
    createControlGroup(process.pid);
  } catch (error) {
    return skip(`it cannot create control groups: ${lastLine(error)}`);
  }
  const busybox = join(packages, "bin/busybox");
  const temporary = `${FOLDER}${process.pid}`;
  await mkdir(temporary, { mode: 0o700 });
  try {
    const refused = namespacesRefused(temporary, busybox);
    if (refused !== undefined) return skip(`it cannot create namespaces: ${refused}`);
    await buildPrograms();
    const settings: NodeSettings = {
      packages,
      kubelet: await buildKubelet(),
      controlGroup: controlGroup(process.pid),
    };
    process.exitCode = await runTests(temporary, busybox, settings);
  } finally {
    removeControlGroups();
    // The files were in a mount of the namespaces, so that the folder is empty here.
    await rmdir(temporary);
  }
}

/** The namespaces have no network, so everything is downloaded and built before. */
async function runTests(
  temporary: string,
  busybox: string,
  settings: NodeSettings,
): Promise<number> {
  process.env["TEST_NODE"] = JSON.stringify(settings);
  const vitest = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
  const args = ["run", "--project", "kubelet", ...process.argv.slice(2)];
  const run = runInNamespaces(temporary, busybox, [process.execPath, vitest, ...args]);
  // A terminal sends Ctrl-C to vitest, too, which then ends in order.
  process.on("SIGINT", () => undefined);
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, run.kill);
  return run.done;
}

/** Removes the control groups and folders of runs that were killed. */
async function removeLeftovers(): Promise<void> {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return;
  removeControlGroups();
  for (const name of await readdir(tmpdir())) {
    const folder = join(tmpdir(), name);
    const owner = folder.startsWith(FOLDER) ? folder.slice(FOLDER.length) : undefined;
    if (owner !== undefined && !existsSync(`/proc/${owner}`)) await rmdir(folder);
  }
}

function skip(reason: string): void {
  process.stdout.write(`test:kubelet: skipped: ${reason}\n`);
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr || message).trim().split("\n").at(-1) ?? "";
}
