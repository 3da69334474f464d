import { expect, test, vi } from "vitest";
import { createReplaceable } from "../contract/replaceable.ts";
import { openSandbox } from "../contract/sandbox.ts";
import { proxyImage } from "../support/build/pod-group.ts";
import { installBookinfo } from "../support/bookinfo.ts";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";

test("a restart that loses the cluster still reports what it did, and marks the report as incomplete", async () => {
  const cluster = await startEmbeddedCluster();
  await installBookinfo(cluster);
  const running = startProgram(
    ["restart", "-n", "default", "--yes", "--json", "--max-parallel", "1", "--timeout", "2s"],
    { KUBECONFIG: cluster.kubeconfig },
  );
  await vi.waitFor(() => expect(running.stderr()).toContain("details-v1: restarting"), {
    timeout: 20_000,
  });
  await cluster.stop();
  const ran = await running.done;
  const report = parseReport("RestartReport", ran.stdout);
  expect(ran.status).toBe(4);
  expect(report.results.map(({ outcome }) => outcome)).toEqual([
    "timed-out",
    ...Array<string>(5).fill("not-started"),
  ]);
  expect(report).toMatchObject({
    complete: false,
    gaps: [{ what: "verify restarted workloads", reason: "unreachable" }],
  });
  expect(report.workloads.map(({ name }) => name)).not.toContain("details-v1");
});

test("a replacement in place that loses the cluster ends on SIGTERM", async () => {
  const cluster = await startEmbeddedCluster();
  const enter = (labels: Readonly<Record<string, string>>) => openSandbox(cluster, labels);
  const images = { from: proxyImage("v1.75.1-1"), to: proxyImage("v1.75.2-1") };
  const { sandbox } = await createReplaceable(cluster, enter, { name: "asm-1-75", ...images });
  const args = ["restart", "deploy/web", "-n", sandbox.name, "--in-place", "--yes", "--json"];
  const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
  await vi.waitFor(() => expect(running.stderr()).toContain("replacing its sidecars in place"), {
    timeout: 30_000,
  });
  await cluster.stop();
  running.signal("SIGTERM");
  const ran = await running.done;
  const report = parseReport("RestartReport", ran.stdout);
  expect([ran.status, report.complete]).toEqual([143, false]);
  expect(report.results).toMatchObject([{ outcome: "still-rolling", code: "interrupted" }]);
});
