import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";

const OWNER = fileURLToPath(new URL("leftovers-owner.ts", import.meta.url));
const TSX = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

test.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
  "a bed whose owner gets %s leaves neither a process nor a file",
  async (signal) => {
    const { owner, folder, ended } = await startOwner("wait");
    expect(leftBy(folder).length).toBeGreaterThan(7);
    owner.kill(signal);
    await ended;
    await expect.poll(() => leftBy(folder), { timeout: 10_000 }).toEqual([]);
  },
  60_000,
);

test("nor does one whose owner throws", async () => {
  const { folder, ended } = await startOwner("throw");
  await ended;
  await expect.poll(() => leftBy(folder), { timeout: 10_000 }).toEqual([]);
}, 60_000);

test("nor does one whose own process is killed", async () => {
  const { owner, folder } = await startOwner("wait");
  const bed = processesWith(folder).find(({ command }) => command.includes("bed.ts"));
  process.kill(bed?.id ?? 0, "SIGKILL");
  await expect.poll(() => leftBy(folder), { timeout: 10_000 }).toEqual([]);
  owner.kill();
}, 60_000);

/** The folder, where it still is, and the commands of the processes that have it in theirs. */
function leftBy(folder: string): string[] {
  const commands = processesWith(folder).map(({ command }) => command);
  return existsSync(folder) ? [folder, ...commands] : commands;
}

/** Starts a process that owns a bed, and resolves with the bed's folder once it runs. */
async function startOwner(what: "wait" | "throw") {
  const owner = spawn(process.execPath, ["--import", TSX, OWNER, what], {
    stdio: ["ignore", "pipe", what === "throw" ? "ignore" : "inherit"],
  });
  const ended = new Promise((resolve) => owner.once("exit", resolve));
  const folder = await new Promise<string>((resolve, reject) => {
    owner.stdout.once("data", (line: Buffer) => resolve(line.toString().trim()));
    owner.once("exit", () => reject(new Error("the owner ended too early")));
  });
  return { owner, folder, ended };
}

function processesWith(text: string): { readonly id: number; readonly command: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((name) => ({ id: Number(name), command: commandOf(name) }))
    .filter(({ command }) => command.includes(text));
}

/** Empty where the process is gone, or only waits for its parent to notice its end. */
function commandOf(id: string): string {
  try {
    return readFileSync(`/proc/${id}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
