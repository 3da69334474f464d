import { describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { POLICY, rejectChanges } from "./rejecting-policy.ts";
import { run, test, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const REVISION = "asm-1-94";
const [OLD, NEW] = [proxyImage("v1.94.1-1"), proxyImage("v1.94.2-1")];

describe("a policy that rejects the restart of one workload", () => {
  test("skips that workload and restarts the others", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const guarded = await enter({ "istio.io/rev": REVISION }, "a-guarded");
    const free = await enter({ "istio.io/rev": REVISION }, "b-free");
    for (const sandbox of [guarded, free]) {
      await sandbox.create("deployments", deployment("web"));
      await untilReady(sandbox, 1);
    }
    await cluster.moveImage(REVISION, NEW);
    const allow = await rejectChanges(cluster, guarded, "web");
    try {
      const scope = ["-n", `${guarded.name},${free.name}`, "--max-parallel", "1", "--json"];
      const rejected = {
        namespace: guarded.name,
        outcome: "skipped",
        code: "rejected",
        message: expect.stringMatching(`^the restart was rejected: .*denied request: ${POLICY}$`),
        nextStep: expect.stringContaining(
          `istio-upgrade restart deployment/web --namespace ${guarded.name} --dry-run=server`,
        ),
        startedAt: null,
      };
      const tried = await run(cluster, "restart", ...scope, "--dry-run=server");
      expect(parseReport("RestartReport", tried.stdout)).toMatchObject({
        results: [rejected, { namespace: free.name, code: "dry-run" }],
        exitReasons: ["rejected:1"],
      });
      expect(tried.status).toBe(5);

      const ran = await run(cluster, "restart", ...scope, "--yes");
      const report = parseReport("RestartReport", ran.stdout);
      expect(report).toMatchObject({
        results: [rejected, { namespace: free.name, outcome: "restarted" }],
        workloads: [
          { namespace: guarded.name, verdict: "outdated", restart: "refused" },
          { namespace: free.name, verdict: "current" },
        ],
        nextStep: "",
        exitReasons: ["rejected:1", "by-hand:1"],
      });
      expect(ran.status).toBe(5);
      expect((await guarded.get("deployments", "web")).metadata.generation).toBe(1);
    } finally {
      await allow();
    }
  });
});
