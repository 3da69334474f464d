import { expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment, pod } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { run, test, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const REVISION = "asm-1-98";
const [OLD, NEW] = [proxyImage("v1.98.1-1"), proxyImage("v1.98.2-1")];

test("the flags decide which findings count, and the advice of check can be typed", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  const sandbox = await enter();
  await sandbox.create("deployments", deployment("late"));
  await untilReady(sandbox, 1);
  await sandbox.relabel({ "istio.io/rev": REVISION });
  const spec = { strategy: { type: "Recreate", rollingUpdate: null } };
  await sandbox.create("deployments", deployment("single", { spec }));
  await sandbox.create("pods", pod("bare"));
  await untilReady(sandbox, 3);
  await cluster.moveImage(REVISION, NEW);
  const check = async (...flags: readonly string[]) => {
    const ran = await run(cluster, "check", "-n", sandbox.name, "--json", ...flags);
    const { exitCode, exitReasons, nextStep } = parseReport("CheckReport", ran.stdout);
    expect(ran.status).toBe(exitCode);
    expect(ran.stderr).toContain(
      `RESULT exit=${exitCode} cluster=${cluster.kind === "embedded" ? "test" : ""}`,
    );
    return { exitCode, exitReasons, nextStep };
  };

  expect(await check()).toEqual({
    exitCode: 5,
    exitReasons: ["by-hand:2", "missing:1"],
    nextStep: "",
  });
  expect(await check("--fail-on", "missing")).toMatchObject({ exitReasons: ["missing:1"] });
  expect(await check("--fail-on", "outdated,would-lose")).toMatchObject({
    exitCode: 0,
    exitReasons: [],
  });
  expect(await check("--exit-zero")).toMatchObject({
    exitCode: 0,
    exitReasons: ["by-hand:2", "missing:1"],
  });
  // A finding that does not count for the exit code is still there.
  for (const flags of [["--fail-on", "outdated"], ["--exit-zero"]]) {
    for (const command of ["check", "verify"]) {
      const { stdout, status } = await run(cluster, command, "-n", sandbox.name, ...flags);
      expect([status, stdout]).toEqual([0, expect.stringMatching(/^3 workloads, 3 pods: /m)]);
    }
  }
  const consent = ["--include", "missing", "--allow-downtime"];
  const advised = await check(...consent);
  expect(advised).toMatchObject({
    exitCode: 2,
    exitReasons: ["outdated:2", "by-hand:1", "missing:1"],
    nextStep: `istio-upgrade restart --namespace ${sandbox.name} ${consent.join(" ")}`,
  });

  const words = advised.nextStep.split(" ").slice(1);
  const restarted = await run(cluster, ...words, "--yes", "--json", "--fail-on", "missing");
  const report = parseReport("RestartReport", restarted.stdout);
  expect(report.results.map(({ name, outcome }) => [name, outcome])).toEqual([
    ["late", "restarted"],
    ["single", "restarted"],
  ]);
  expect([restarted.status, report.exitReasons]).toEqual([0, []]);
  const verified = await run(cluster, "verify", "-n", sandbox.name, "--fail-on", "not-ready");
  expect(verified.status).toBe(0);
  expect(verified.stderr).toContain("outdated=1 restartable=0 by-hand=1");
});
