import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { parse } from "yaml";
import { goTool } from "../../packaging/go-tool.ts";
import { installBookinfo } from "../support/bookinfo.ts";
import { type EmbeddedCluster, startEmbeddedCluster } from "../support/embedded/cluster.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

test("actionlint accepts the workflows, and their use of the action", async () => {
  const workflows = ["ci", "nightly", "release"].map((name) => `.github/workflows/${name}.yml`);
  const linting = run(await goTool("actionlint"), ["-no-color", ...workflows], { cwd: ROOT });
  await expect(linting).resolves.toMatchObject({ stdout: "" });
});

interface Action {
  readonly runs: { readonly steps: readonly { readonly run: string }[] };
}

let folder: string;
let cluster: EmbeddedCluster;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "istio-upgrade-action-"));
  cluster = await startEmbeddedCluster();
  await installBookinfo(cluster);
});
afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true });
});

/** Runs a step of the action, as a runner on Linux does. */
async function runStep(index: number, env: Readonly<Record<string, string>>) {
  const { runs } = parse(readFileSync(join(ROOT, "action.yml"), "utf8")) as Action;
  const variables = {
    RUNNER_OS: "Linux",
    RUNNER_ARCH: "X64",
    RUNNER_TEMP: folder,
    GITHUB_PATH: join(folder, "path"),
    GITHUB_OUTPUT: join(folder, "output"),
    GITHUB_STEP_SUMMARY: join(folder, "summary"),
    KUBECONFIG: cluster.kubeconfig,
    HOME: folder,
  };
  const path = `${folder}/istio-upgrade:${process.env["PATH"]}`;
  const args = ["--noprofile", "--norc", "-eo", "pipefail", "-c", runs.steps[index]?.run ?? ""];
  return run("bash", args, { env: { PATH: path, ...variables, ...env } }).then(
    (ended) => ({ ...ended, code: 0 }),
    (ended: { code: number; stdout: string; stderr: string }) => ended,
  );
}

test("the action installs the program, and its report is the summary of the job", async () => {
  const URL = `${pathToFileURL(inject("release")).href}/`;
  expect(await runStep(0, { REPOSITORY: "a/b", VERSION: "", URL })).toMatchObject({ code: 0 });
  expect(readFileSync(join(folder, "path"), "utf8")).toBe(`${folder}/istio-upgrade\n`);
  expect(await runStep(1, { COMMAND: "check -n default" })).toMatchObject({ code: 2 });
  expect(readFileSync(join(folder, "output"), "utf8")).toBe("exit-code=2\n");
  expect(readFileSync(join(folder, "summary"), "utf8")).toMatch(/^#.*[^]*productpage-v1/);
});

test("the action rejects an archive with another checksum", async () => {
  const other = mkdtempSync(join(folder, "other-"));
  const archive = "istio-upgrade-linux-x64.tar.gz";
  spawnSync("cp", [join(inject("release"), "SHA256SUMS"), other]);
  spawnSync("sh", ["-c", `echo changed > '${join(other, archive)}'`]);
  const ended = await runStep(0, { REPOSITORY: "a/b", VERSION: "", URL: `file://${other}/` });
  expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining("the checksum") });
});

test("the action says which runners have no program", async () => {
  const ended = await runStep(0, { REPOSITORY: "a/b", VERSION: "", URL: "", RUNNER_ARCH: "X86" });
  expect(ended).toMatchObject({ code: 1, stdout: expect.stringContaining("Linux on X86") });
});
