/**
 * `npm run test:browser` tests the pages of `--output html` in Chromium, if there is one. The arguments
 * are passed to vitest.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type Chromium, findChromium } from "./chromium.ts";

await main();

async function main(): Promise<void> {
  let chromium: Chromium;
  try {
    chromium = await findChromium();
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const reason = (stderr || message).trim().split("\n").at(-1) ?? "";
    process.stdout.write(
      `test:browser: skipped: there is no Chromium on the path or in CHROMIUM, and Debian's package is not available: ${reason}\n`,
    );
    return;
  }
  const vitest = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
  const args = [vitest, "run", "--project", "browser", ...process.argv.slice(2)];
  const env = { ...process.env, TEST_CHROMIUM: JSON.stringify(chromium) };
  const [status] = await once(spawn(process.execPath, args, { env, stdio: "inherit" }), "exit");
  process.exitCode = (status as number | null) ?? 1;
}
