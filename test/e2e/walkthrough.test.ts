import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installBookinfo, WALKTHROUGH } from "../support/bookinfo.ts";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { type RunResult, runProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";

/** Returns a page's sample output of a command: stdout and stderr as a terminal shows them. */
function shown(page: string, command: string): string {
  const content = readFileSync(new URL(`../../${page}`, import.meta.url), "utf8");
  const start = content.indexOf(`$ ${command}\n`);
  expect(start, command).toBeGreaterThan(0);
  const text = content.slice(start + command.length + 3);
  return text.slice(0, text.search(/^(```|\$ )/m));
}

/**
 * Removes the differences between runs: times, ages, the order in which parallel rollouts end, and
 * progress lines.
 */
function normalized(output: string): string {
  const lines = output
    .replace(/^\d{4}-\S+Z /gm, "TIME ")
    .replace(/\[\d\/6\]/g, "[N/6]")
    .replace(/ \(\d+s\)/g, " (1s)")
    .replace(/(>|at least |oldest=)\d+[smhd]\b/g, (_text, before: string) => `${before}8d`)
    .replace(/sha256:\w+/g, "HASH")
    .split("\n")
    .filter((line) => !line.includes(" new pods ready; "));
  const dated = lines.filter((line) => line.startsWith("TIME ")).sort();
  return [...dated, ...lines.filter((line) => !line.startsWith("TIME "))].join("\n");
}

describe("the documented walkthrough", () => {
  let cluster: TestCluster;
  const runs = new Map<string, RunResult>();

  beforeAll(async () => {
    // No old pod is left when a rollout ends, so that every report has the same warnings.
    cluster = await startEmbeddedCluster({ terminateMs: 0 });
    await installBookinfo(cluster);
    for (const [args] of WALKTHROUGH) {
      const command = `istio-upgrade ${args.join(" ")}`;
      // The README shows the first `check`, when there is something to restart.
      const name = runs.has(command) ? `${command} (again)` : command;
      runs.set(name, await runProgram(args, { KUBECONFIG: cluster.kubeconfig }));
    }
  }, 60_000);
  afterAll(() => cluster.stop());

  test("ends each command with the documented exit code", () => {
    expect([...runs.values()].map(({ status }) => status)).toEqual(
      WALKTHROUGH.map(([, status]) => status),
    );
  });

  test.each([
    ["README.md", "istio-upgrade check"],
    ["docs/restart.md", "istio-upgrade restart --namespace default --yes"],
  ])("prints the sample output in %s for %s", (page, command) => {
    const ran = runs.get(command);
    const result = ran?.stderr.match(/^RESULT .*$/m)?.[0];
    const before = ran?.stderr.replace(`${result}\n`, "");
    expect(normalized(`${before}${ran?.stdout}${result}\n`)).toBe(normalized(shown(page, command)));
  });

  test("fits into 80 columns", () => {
    const lines = [...runs.values()].flatMap(({ stdout }) => stdout.split("\n"));
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  test("prints only results to stdout, and progress and the RESULT line to stderr", () => {
    for (const { stdout, stderr } of runs.values()) {
      expect(stdout).not.toMatch(/RESULT|^\d{4}-/m);
      expect(stderr.trimEnd().split("\n").at(-1)).toMatch(/^RESULT exit=\d+ cluster=test /);
    }
  });
});
