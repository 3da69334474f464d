import { describe, expect } from "vitest";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, type Sandbox, test } from "./sandbox.ts";

const image = (version: string) => `mcr.microsoft.com/oss/istio/proxyv2:${version}-distroless`;
const SLOW = { annotations: { "test.istio-upgrade/ready-after": "3s" } };

/** Two slow, outdated workloads, one restarted after the other. */
async function startRestart(cluster: TestCluster, sandbox: Sandbox) {
  await cluster.installRevision({ name: "asm-1-17", image: image("1.17.1") });
  for (const name of ["first", "second"]) {
    await sandbox.create("deployments", deployment(name, SLOW));
  }
  await eventually(async () => {
    const { status } = await sandbox.get("deployments", "second");
    expect(status.availableReplicas).toBe(1);
  });
  await cluster.moveImage("asm-1-17", image("1.17.2"));
  const running = startProgram(
    ["restart", "-n", sandbox.name, "--yes", "--json", "--max-parallel", "1"],
    { KUBECONFIG: cluster.kubeconfig },
  );
  await eventually(async () => expect(running.stderr()).toContain("/deploy/first: restarting"));
  return running;
}

describe("an interrupted restart", () => {
  test("starts nothing new, waits for rolling workloads, and can be repeated", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    const running = await startRestart(cluster, sandbox);
    running.signal("SIGINT");
    const ran = await running.done;
    expect(ran.stderr).toContain(
      "interrupted: no new restarts, waiting for 1 workload to roll out",
    );
    const report = parseReport("RestartReport", ran.stdout);
    expect([ran.status, report.exitReasons]).toEqual([
      130,
      ["not-started:1", "interrupted", "outdated:1"],
    ]);
    expect(report.results).toMatchObject([
      { name: "first", outcome: "restarted" },
      { name: "second", outcome: "not-started", code: "interrupted" },
    ]);
    const again = startProgram(["restart", "-n", sandbox.name, "--yes", "--json"], {
      KUBECONFIG: cluster.kubeconfig,
    });
    const second = await again.done;
    expect(parseReport("RestartReport", second.stdout).results).toMatchObject([
      { name: "second", outcome: "restarted" },
    ]);
    expect(second.status).toBe(0);
  });

  test.for([
    ["SIGTERM", 143],
    ["SIGINT", 130],
  ] as const)("reports at once after %s", async ([signal, status], { cluster, enter }) => {
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    const running = await startRestart(cluster, sandbox);
    running.signal(signal);
    if (signal === "SIGINT") {
      await eventually(async () => expect(running.stderr()).toContain("interrupted"));
      running.signal("SIGINT");
    }
    const asked = Date.now();
    const ran = await running.done;
    // The rollout takes three seconds; the report must not.
    expect(Date.now() - asked).toBeLessThan(2500);
    const report = parseReport("RestartReport", ran.stdout);
    expect([ran.status, report.complete]).toEqual([status, false]);
    expect(report.gaps).toMatchObject([
      {
        what: "verify restarted workloads",
        hint: `check the result: istio-upgrade verify --namespace ${sandbox.name} --wait 10m`,
      },
    ]);
    expect(report.results).toMatchObject([
      {
        name: "first",
        outcome: "still-rolling",
        code: "interrupted",
        message: expect.stringMatching(/^still rolling: .+; 1 old pod still serves$/),
      },
      { name: "second", outcome: "not-started" },
    ]);
  });
});
