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
    .replace(/(0\/1 ready, ).*/g, "$1...")
    .replace(/(0 of 1 new pods ready; ).*/g, "$1...")
    .replace(
      /(.* 0 of 1 new pods ready; \.\.\.\n)(?:\S+ \S+ [01] of 1 new pods ready; .*\n)*/g,
      "$1",
    )
    .replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, "TIME")
    .replace(/\b\d+:\d\d\b/g, "0:00")
    .replace(/about \d+m?s? to go/g, "about 0s to go")
    .replace(/sha256:\w{64}/g, `sha256:${"0".repeat(64)}`)
    .replace(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/g, "⠋");
}

/** The golden files contain exactly the text on a person's screen. */
describe("restart shows a person", () => {
  let cluster: TestCluster;
  const args = ["restart", "--namespace", "shop", "--max-parallel", "1"];

  beforeAll(async () => {
    cluster = await startEmbeddedCluster();
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
    await shows(/\[y\/N\] n\n! nothing was restarted\n/);
    run = startOnTerminal(["restart", "--all-namespaces"], { KUBECONFIG: cluster.kubeconfig });
    await shows(/Type the context name \(test\) to confirm:$/);
    run.type("prod\r");
    expect(await run.done).toBe(2);
    await shows(/\n! nothing was restarted: "prod" is not "test"\n/);
    run = startOnTerminal(args, { KUBECONFIG: cluster.kubeconfig });
    await shows(/\[y\/N\]/);
    run.type("y\r");
    const rolling = await shows(/0\/1 ready[^]*0 of 2 done, 1 rolling/);
    await expect(rolling).toMatchFileSnapshot("golden/terminal-rolling.txt");
    const second = await shows(/0\/1 ready[^]*1 of 2 done, 1 rolling/);
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
});
