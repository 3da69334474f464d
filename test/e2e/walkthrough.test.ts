import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installBookinfo, WALKTHROUGH } from "../support/bookinfo.ts";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { type Ran, runProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";

const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");

/** What the README shows for a command, as stdout and stderr come on one terminal. */
function shown(command: string): string {
  const start = README.indexOf(`$ ${command}\n`);
  expect(start, command).toBeGreaterThan(0);
  const text = README.slice(start + command.length + 3);
  return text.slice(0, text.search(/^(```|\$ )/m));
}

/**
 * Times differ, and so does the order in which rollouts that run side by side end, and whether one
 * is seen half way.
 */
function normalized(output: string): string {
  const lines = output
    .replace(/^\d{4}-\S+Z /gm, "TIME ")
    .replace(/sha256:\w+/g, "HASH")
    .split("\n")
    .filter((line) => !line.includes(" new pods ready; "));
  const dated = lines.filter((line) => line.startsWith("TIME ")).sort();
  return [...dated, ...lines.filter((line) => !line.startsWith("TIME "))].join("\n");
}

describe("the walkthrough of the README", () => {
  let cluster: TestCluster;
  const runs = new Map<string, Ran>();

  beforeAll(async () => {
    cluster = await startEmbeddedCluster();
    await installBookinfo(cluster);
    for (const [args] of WALKTHROUGH) {
      const command = `istio-upgrade ${args.join(" ")}`;
      // `check` is shown as it is the first time: with something to restart.
      const name = runs.has(command) ? `${command} (again)` : command;
      runs.set(name, await runProgram(args, { KUBECONFIG: cluster.kubeconfig }));
    }
  }, 60_000);
  afterAll(() => cluster.stop());

  test("ends each command with the exit code that it should", () => {
    expect([...runs.values()].map(({ status }) => status)).toEqual(
      WALKTHROUGH.map(([, status]) => status),
    );
  });

  test.each(["istio-upgrade check", "istio-upgrade restart --namespace default --yes"])(
    "prints what the README shows for %s",
    (command) => {
      const ran = runs.get(command);
      const result = ran?.stderr.match(/^RESULT .*$/m)?.[0];
      const before = ran?.stderr.replace(`${result}\n`, "");
      expect(normalized(`${before}${ran?.stdout}${result}\n`)).toBe(normalized(shown(command)));
    },
  );

  test("fits into 80 columns", () => {
    const lines = [...runs.values()].flatMap(({ stdout }) => stdout.split("\n"));
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  test("keeps stdout for results: progress and the RESULT line are on stderr", () => {
    for (const { stdout, stderr } of runs.values()) {
      expect(stdout).not.toMatch(/RESULT|^\d{4}-/m);
      expect(stderr.trimEnd().split("\n").at(-1)).toMatch(/^RESULT exit=\d+ cluster=test /);
    }
  });
});
