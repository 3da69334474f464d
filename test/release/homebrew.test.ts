import { spawnSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { archiveName } from "../../packaging/platforms.ts";

const FORMULA = join(inject("release"), "istio-upgrade.rb");

test("the formula has the checksum of each archive that Homebrew can install", async () => {
  const formula = await readFile(FORMULA, "utf8");
  const sums = await readFile(join(inject("release"), "SHA256SUMS"), "utf8");
  const sources = [...formula.matchAll(/url "https:.*\/(.*)"\n +sha256 "(.*)"\n/g)];
  for (const [, name = "", sha256 = ""] of sources) expect(sums).toContain(`${sha256}  ${name}\n`);
  const unix = inject("platforms").filter(({ format }) => format !== "PE");
  expect(sources.map(([, name]) => name).sort()).toEqual(unix.map(archiveName).sort());
});

test("Ruby can parse the formula", ({ skip }) => {
  const { error, stdout } = spawnSync("ruby", ["-c", FORMULA], { encoding: "utf8" });
  if (error !== undefined) {
    process.stderr.write("skipped: ruby is not installed\n");
    return skip("ruby is not installed");
  }
  expect(stdout).toBe("Syntax OK\n");
});
