import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { goTool } from "../../packaging/go-tool.ts";
import { builtProgram } from "../testbed/build.ts";

const run = promisify(execFile);
const PAGE = new URL("../../docs/install.md", import.meta.url);

/** Lines that this test does not run: the build of the release itself, and a registry. */
const NOT_RUN = /^(?:npm ci |skopeo )/;

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "istio-upgrade-install-"));
  await symlink(inject("release"), join(home, "release"));
  await mkdir(join(home, "bin"));
  await symlink((await builtProgram("kubectl")) ?? "/usr/bin/kubectl", join(home, "bin/kubectl"));
  await symlink(await goTool("krew"), join(home, "bin/kubectl-krew"));
});
afterEach(() => rm(home, { recursive: true }));

/** Returns the lines that a reader types in a section of docs/install.md. */
async function linesIn(heading: string): Promise<readonly string[]> {
  const page = await readFile(PAGE, "utf8");
  const section = page.split(/^#+ /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  const lines = [...section.matchAll(/^\$ (.*)$/gm)].map(([, line = ""]) => line);
  return lines.filter((line) => !NOT_RUN.test(line));
}

/** Types lines into one shell of a user who has no program of ours. */
async function type(lines: readonly string[], path: string): Promise<string> {
  const script = ["set -e", ...lines].join("\n");
  const env = {
    HOME: home,
    PATH: [join(home, "bin"), join(home, ".local/bin"), join(home, ".krew/bin"), path].join(":"),
    npm_config_prefix: join(home, ".local"),
    npm_config_offline: "true",
  };
  const { stdout } = await run("bash", ["-c", script], { cwd: home, env });
  return stdout;
}

const VERSION = `${manifest.version}\n`;
const COMPLETE = "kubectl __complete istio-upgrade check --output w";

test.each([
  ["Installing", "SHA256SUMS", [], ": OK\n"],
  ["The program", "the archive", [COMPLETE], `${VERSION}${VERSION}wide\n:4\n`],
  ["krew", "krew", [COMPLETE], `${VERSION}wide\n:4\n`],
])("the lines under %s work with %s, without Node", async (heading, _what, more, printed) => {
  const lines = await linesIn(heading);
  expect(lines.length).toBeGreaterThan(0);
  const path = process.env["PATH"] ?? "";
  await expect(type(["command -v node"], path)).rejects.toThrow(/command -v node/);
  expect(await type([...lines, ...more], path)).toContain(printed);
});

test("the lines under The npm package work with Node", async () => {
  const more = ["istio-upgrade --version", "kubectl istio-upgrade --version", COMPLETE];
  const printed = await type([...(await linesIn("The npm package")), ...more], inject("path"));
  expect(printed).toContain(`${VERSION}${VERSION}wide\n:4\n`);
});

test("every file of the release is in the table", async () => {
  const page = await readFile(PAGE, "utf8");
  const names = [...page.matchAll(/^\| `([^`]+)` /gm)].map(([, name = ""]) => name);
  const { stdout } = await run("ls", [inject("release")]);
  const isListed = (file: string) =>
    names.some((name) =>
      new RegExp(`^${name.replaceAll(".", "\\.").replace("*", ".*")}$`).test(file),
    );
  expect(
    stdout
      .trim()
      .split("\n")
      .filter((file) => !isListed(file)),
  ).toEqual([]);
});
