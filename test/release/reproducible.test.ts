import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, test } from "vitest";
import { buildRelease } from "../../packaging/release.ts";

// A build takes a minute on two cores that are free.
test("a second build has the same bytes", { timeout: 1_200_000 }, async () => {
  process.env["PATH"] = inject("path");
  const folder = await mkdtemp(join(tmpdir(), "istio-upgrade-again-"));
  try {
    await buildRelease(folder, inject("platforms"));
    const sums = (release: string) => readFile(join(release, "SHA256SUMS"), "utf8");
    expect(await sums(folder)).toBe(await sums(inject("release")));
  } finally {
    await rm(folder, { recursive: true });
  }
});
