import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { deployment, namespace, statefulSet } from "../support/manifests.ts";
import { runProgram } from "../support/run-program.ts";
import { requireTerminal, startOnTerminal } from "../support/terminal.ts";
import type { TestCluster } from "../support/test-cluster.ts";

/**
 * Replaces what differs from run to run: times, hashes and the progress that a poll happens to see.
 */
function normalized(text: string): string {
  return text
    .replace(/(0\/1  \d:\d\d  ).*/g, "$1...")
    .replace(/(0 of 1 new pods ready; ).*/g, "$1...")
    .replace(
      /(.* 0 of 1 new pods ready; \.\.\.\n)(?:\S+ \S+ \S+ [01] of 1 new pods ready; .*\n)*/g,
      "$1",
    )
    .replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, "TIME")
    .replace(/\b\d+:\d\d\b/g, "0:00")
    .replace(/about \d+m?s? left/g, "about 0s left")
    .replace(/ \(\d+s\)/g, " (0s)")
    .replace(/sha256:\w{64}/g, `sha256:${"0".repeat(64)}`)
    .replace(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/g, "⠋");
}

/** The golden files contain exactly the text on a person's screen. */
describe("restart shows a person", () => {
  let cluster: TestCluster;
  const args = ["restart", "--namespace", "shop", "--max-parallel", "1"];

  beforeAll(async () => {
    // No old pod is left when a rollout ends, so that every report has the same warnings.
    cluster = await startEmbeddedCluster({ terminateMs: 0 });
    await cluster.installRevision({ name: "asm-1-27", image: proxyImage("v1.27.7-1") });
    const body = namespace("shop", { "istio.io/rev": "asm-1-27" });
    await cluster.request("POST", "/api/v1/namespaces", { body });
    const slow = { annotations: { "test.istio-upgrade/ready-after": "3s" } };
    const apps = "/apis/apps/v1/namespaces/shop";
    await cluster.request("POST", `${apps}/deployments`, { body: deployment("api", slow) });
    await cluster.request("POST", `${apps}/deployments`, { body: deployment("web", slow) });
    await cluster.request("POST", `${apps}/statefulsets`, { body: statefulSet("db", slow) });
  });
  afterAll(() => cluster.stop());

  async function makeOutdated(version: string): Promise<void> {
    await vi.waitFor(
      async () => {
        const check = await runProgram(["verify"], { KUBECONFIG: cluster.kubeconfig });
        // All pods are ready; exit code 5 is the workload that an earlier test left outdated.
        expect([0, 5]).toContain(check.status);
      },
      { timeout: 20_000 },
    );
    await cluster.moveImage("asm-1-27", proxyImage(version));
  }

  test("on a terminal: the plan, the question, live progress and the report", async ({ skip }) => {
    requireTerminal(skip);
    await makeOutdated("v1.27.8-1");
    let run = startOnTerminal(args, { KUBECONFIG: cluster.kubeconfig });
    const shows = async (what: RegExp) => {
      const seen = await vi.waitFor(
        async () => {
          const screen = await run.screen();
          expect(screen).toMatch(what);
          return screen;
        },
        { timeout: 20_000, interval: 20 },
      );
      return normalized(seen);
    };
    await expect(await shows(/\[y\/N\]/)).toMatchFileSnapshot("golden/terminal-question.txt");
    run.type("n\r");
    expect(await run.done).toBe(2);
    // The whole rest of the screen.
    await shows(/\[y\/N\] n\nNothing was restarted\.\nRESULT exit=2 cluster=test [^\n]*\n?[^\n]*$/);
    run = startOnTerminal(["restart", "--all-namespaces"], { KUBECONFIG: cluster.kubeconfig });
    await shows(/Type the context name \(test\) to confirm:$/);
    run.type("prod\r");
    expect(await run.done).toBe(2);
    await shows(
      /Type the context name \(test\) to confirm: prod\nNothing was restarted\.\nRESULT exit=2 cluster=test [^\n]*\n?[^\n]*$/,
    );
    // A script gets the document with any answer.
    run = startOnTerminal([...args, "--json"], { KUBECONFIG: cluster.kubeconfig });
    await shows(/\[y\/N\]/);
    run.type("\u0004");
    expect(await run.done).toBe(2);
    await shows(/\[y\/N\] ?\nNothing was restarted\.\n\{\n {2}"apiVersion"[^]*"no-consent"/);
    run = startOnTerminal(args, { KUBECONFIG: cluster.kubeconfig });
    await shows(/\[y\/N\]/);
    run.type("y\r");
    const rolling = await shows(/0\/1 [^]*0 of 2 done, 1 rolling/);
    await expect(rolling).toMatchFileSnapshot("golden/terminal-rolling.txt");
    const second = await shows(/0\/1 [^]*1 of 2 done, 1 rolling/);
    await expect(second).toMatchFileSnapshot("golden/terminal-second.txt");
    expect(await run.done).toBe(5);
    await expect(normalized(await run.screen())).toMatchFileSnapshot("golden/terminal-end.txt");
  });

  test("in a log: one dated line per event", async () => {
    await makeOutdated("v1.27.9-6");
    const ran = await runProgram([...args, "--yes"], { KUBECONFIG: cluster.kubeconfig });
    expect(ran.status).toBe(5);
    await expect(normalized(ran.stderr)).toMatchFileSnapshot("golden/log-stderr.txt");
    await expect(normalized(ran.stdout)).toMatchFileSnapshot("golden/log-stdout.txt");
  });

  let patch = 10;
  test("on a terminal that is resized, and whose keys are pressed: no line twice", async ({
    skip,
  }) => {
    requireTerminal(skip);
    await makeOutdated(`v1.27.${patch++}-1`);
    const run = startOnTerminal([...args, "--yes"], { KUBECONFIG: cluster.kubeconfig });
    const shows = (what: RegExp) =>
      vi.waitFor(async () => expect(await run.screen()).toMatch(what), {
        timeout: 20_000,
        interval: 20,
      });
    await shows(/0\/1 [^]*0 of 2 done, 1 rolling/);
    run.type("\r\r x \r");
    run.resize(40);
    await shows(/ 0 of 2 done, 1 rolling, 0:\d\d$/);
    run.resize(100);
    await shows(/0 of 2 done, 1 rolling, 0:\d\d, v1/);
    // A frame may be half drawn when the screen is read. A line that is left behind stays.
    await vi.waitFor(
      async () => {
        const screen = await run.screen();
        expect(screen.match(/rolling/g)).toHaveLength(1);
        expect(screen.match(/^ +shop\/deploy\/api {2}/gm)).toHaveLength(1);
        // The lines above stay.
        expect(screen).toMatch(/^! warning: .*\n {2}shop\/deploy\/api, shop\/deploy\/web\n/);
      },
      { timeout: 2_000, interval: 20 },
    );
    // Keys before Ctrl-C do not hide it.
    run.type("y\u0003");
    await shows(/! interrupted: no new restarts, waiting for 1 workload[^]*waiting for 1, 1 not/);
    expect(await run.done).toBe(130);
    expect(await run.screen()).toMatch(
      /✔ shop\/deploy\/api: restarted, rolled out \(\d+s\)\n[^]*web   not-started   interrupted/,
    );
  });

  test("the RESULT line below a report, but not among the lines of a pager", async ({ skip }) => {
    requireTerminal(skip);
    const env = { KUBECONFIG: cluster.kubeconfig };
    const check = ["check", "--namespace", "shop"];
    const alone = startOnTerminal(check, env);
    await alone.done;
    expect(await alone.screen()).toMatch(
      /\nRESULT exit=\d .* would-lose=0\nblocked=0 .* gaps=0 oldest=\d+s$/,
    );
    const paged = startOnTerminal(check, env, "cat");
    await paged.done;
    expect(await paged.screen()).toMatch(/^TARGETS\n/);
    expect(await paged.screen()).not.toContain("RESULT");
    const inCi = startOnTerminal(check, { ...env, CI: "true" }, "cat");
    await inCi.done;
    expect(await inCi.screen()).toContain("RESULT exit=");
  });
});
