import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { installBookinfo } from "../support/bookinfo.ts";
import { type EmbeddedCluster, startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { pageHeadline, parsePage } from "../support/html-page.ts";
import { fencedBlocks } from "../support/page-blocks.ts";
import { pipelineScripts } from "../support/pipeline-scripts.ts";
import { PROGRAM } from "../support/run-program.ts";

const PAGE = readFileSync(new URL("../../docs/ci.md", import.meta.url), "utf8");
const [STEP = ""] = fencedBlocks(PAGE, "sh");
const [GITHUB = "", AZURE = ""] = fencedBlocks(PAGE, "yaml");
const [CHECK = "", RESTART = ""] = pipelineScripts(parse(GITHUB));
const [AZURE_CHECK = ""] = pipelineScripts(parse(AZURE));

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "istio-upgrade-ci-"));
});
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string) => join(folder, name);
const written = (name: string) => readFileSync(file(name), "utf8");

/** The environment of a step, with empty files for what it hands over. */
function environment(path: string, more: Readonly<Record<string, string>> = {}) {
  for (const name of ["summary.md", "output"]) writeFileSync(file(name), "");
  return {
    PATH: `${path}:${process.env["PATH"]}`,
    HOME: folder,
    GITHUB_STEP_SUMMARY: file("summary.md"),
    GITHUB_OUTPUT: file("output"),
    GITHUB_RUN_ID: "4711",
    BUILD_ARTIFACTSTAGINGDIRECTORY: folder,
    ...more,
  };
}

/** The shells of the steps: GitHub sets `-e`, and Azure does not. */
const GITHUB_SHELL = ["-e", "-c"];
const AZURE_SHELL = ["--noprofile", "--norc", "-c"];

describe("a step", () => {
  test.each<[what: string, shell: readonly string[], script: string, warns: readonly number[]]>([
    ["of the script", GITHUB_SHELL, STEP, [2]],
    ["of the workflow for GitHub", GITHUB_SHELL, CHECK, [2]],
    ["of the pipeline for Azure", AZURE_SHELL, AZURE_CHECK, [2]],
  ])(
    "%s succeeds after exit codes 0 and 2, and fails with any other",
    (_what, shell, script, warns) => {
      const stub = mkdtempSync(join(folder, "stub-"));
      const codes = [0, 2, 1, 3, 4, 5, 6, 64];
      const endings = codes.map((code) => {
        const text = `#!/bin/sh\nexit ${code}\n`;
        writeFileSync(join(stub, "istio-upgrade"), text, { mode: 0o755 });
        const options = { cwd: folder, env: environment(stub), encoding: "utf8" } as const;
        const { status, stdout } = spawnSync("bash", [...shell, script], options);
        return [status, /warning|outdated/.test(stdout)];
      });
      expect(endings).toEqual(codes.map((code) => [code === 2 ? 0 : code, warns.includes(code)]));
    },
  );

  test("of the restart fails with each code except 0", () => {
    const stub = mkdtempSync(join(folder, "stub-"));
    const endings = [0, 3, 5].map((code) => {
      writeFileSync(join(stub, "istio-upgrade"), `#!/bin/sh\nexit ${code}\n`, { mode: 0o755 });
      return spawnSync("bash", [...GITHUB_SHELL, RESTART], { cwd: folder, env: environment(stub) })
        .status;
    });
    expect(endings).toEqual([0, 3, 5]);
  });
});

describe("on a cluster with outdated sidecars", () => {
  let cluster: EmbeddedCluster;
  let env: Readonly<Record<string, string>>;
  beforeAll(async () => {
    cluster = await startEmbeddedCluster();
    await installBookinfo(cluster);
    // The recipes name the context `prod`.
    const kubeconfig = parse(readFileSync(cluster.kubeconfig, "utf8")) as {
      contexts: { name: string }[];
      "current-context": string;
    };
    for (const context of kubeconfig.contexts) context.name = "prod";
    kubeconfig["current-context"] = "prod";
    writeFileSync(file("kubeconfig"), JSON.stringify(kubeconfig));
    symlinkSync(PROGRAM, file("istio-upgrade"));
    env = { KUBECONFIG: file("kubeconfig"), NO_COLOR: "1" };
  });
  afterAll(() => cluster.stop());

  /** Runs a step while the cluster, which is in this process, answers. */
  async function run(shell: readonly string[], script: string) {
    const child = spawn("bash", [...shell, script], { cwd: folder, env: environment(folder, env) });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
    return { status, output };
  }
  const withoutMaxAge = (script: string) => script.replace(" --max-age 30d", "");

  test("the steps check, restart, and find everything current", async () => {
    // The sidecars of the test are too young.
    const young = await run(GITHUB_SHELL, CHECK);
    expect([young.status, written("output")]).toEqual([0, "exit-code=0\n"]);
    expect(pageHeadline(parsePage(written("sidecars.html"))).tone).toBe("warning");

    const checked = await run(GITHUB_SHELL, withoutMaxAge(CHECK));
    expect([checked.status, written("output")]).toEqual([0, "exit-code=2\n"]);
    expect(checked.output).toContain("::warning::");
    expect(written("summary.md")).toMatch(
      /^# Istio sidecars of prod\n[^]*## Outdated: 6 workloads/,
    );
    expect(pageHeadline(parsePage(written("sidecars.html"))).text).toBe(
      "6 of 6 workloads are not on target",
    );

    const azure = await run(AZURE_SHELL, withoutMaxAge(AZURE_CHECK));
    expect(azure.status).toBe(0);
    expect(azure.output).toContain(`##vso[task.uploadsummary]${file("sidecars.md")}\n`);
    expect(written("sidecars.md")).toContain("## Outdated: 6 workloads");

    // The soak takes a minute.
    const restarted = await run(GITHUB_SHELL, RESTART.replace("--soak 1m", "--soak 1s"));
    expect(restarted.status, restarted.output).toBe(0);
    expect(written("summary.md")).toContain("run-4711");
    expect(pageHeadline(parsePage(written("restart.html")))).toEqual({
      tone: "good",
      text: "6 workloads were restarted",
    });

    const last = await run(GITHUB_SHELL, withoutMaxAge(CHECK));
    expect([last.status, written("output")]).toEqual([0, "exit-code=0\n"]);
    expect(pageHeadline(parsePage(written("sidecars.html"))).tone).toBe("good");
  });

  test("a cluster that does not answer fails the step, and its page says so", async () => {
    const config = written("kubeconfig").replace(/https?:\/\/[^"]+/, "http://127.0.0.1:1");
    writeFileSync(file("unreachable"), config);
    env = { ...env, KUBECONFIG: file("unreachable") };
    const { status, output } = await run(GITHUB_SHELL, CHECK);
    expect([status, written("output")]).toEqual([1, "exit-code=1\n"]);
    expect(output).toContain("RESULT exit=1 cluster=prod error=unreachable");
    expect(pageHeadline(parsePage(written("sidecars.html"))).text).toBe("The command failed");
  });
});
