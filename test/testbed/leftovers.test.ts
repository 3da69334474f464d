import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";
import { expect, test } from "vitest";

const OWNER = fileURLToPath(new URL("leftovers-owner.ts", import.meta.url));
const TSX = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;

test.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
  "a bed leaves neither a process nor a file after its owner gets %s",
  async (signal) => {
    const { owner, folder, ended } = await startOwner("wait");
    expect(leftovers(folder).length).toBeGreaterThan(7);
    owner.kill(signal);
    await ended;
    await expect.poll(() => leftovers(folder), { timeout: 10_000 }).toEqual([]);
  },
  60_000,
);

test("a bed leaves neither a process nor a file after its owner throws", async () => {
  const { folder, ended } = await startOwner("throw");
  await ended;
  await expect.poll(() => leftovers(folder), { timeout: 10_000 }).toEqual([]);
}, 60_000);

test("a bed leaves neither a process nor a file after its own process is killed", async () => {
  const { owner, folder } = await startOwner("wait");
  const bed = processesWith(folder).find(({ command }) => command.includes("bed.ts"));
  process.kill(bed?.id ?? 0, "SIGKILL");
  await expect.poll(() => leftovers(folder), { timeout: 10_000 }).toEqual([]);
  owner.kill();
}, 60_000);

/** Returns the folder if it still exists, and the commands of the processes that name it. */
function leftovers(folder: string): string[] {
  const commands = processesWith(folder).map(({ command }) => command);
  return existsSync(folder) ? [folder, ...commands] : commands;
}

/** Starts a process that owns a bed, and resolves with the bed's folder once the bed runs. */
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

/** Returns a process's command, which is empty if the process is gone or a zombie. */
function commandOf(id: string): string {
  try {
    return readFileSync(`/proc/${id}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
