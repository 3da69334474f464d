import { afterAll, beforeAll, describe, expect } from "vitest";
import { run, test } from "../contract/sandbox.ts";
import { daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";
import { createAll, generations, type Lagging, openUpgrades } from "./lagging.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const REVISION = "asm-1-63";

/** Twenty workloads whose pods take from nothing to two seconds until they are ready. */
const WORKLOADS: readonly Lagging[] = Array.from({ length: 20 }, (_, index) => {
  const annotations = { "test.istio-upgrade/ready-after": `${(index % 5) * 500}ms` };
  const options = { annotations, replicas: 2 };
  if (index % 7 === 5)
    return { resource: "statefulsets", manifest: statefulSet(`db-${index}`, options) };
  if (index % 7 === 6)
    return { resource: "daemonsets", manifest: daemonSet(`agent-${index}`, { annotations }) };
  return { resource: "deployments", manifest: deployment(`web-${index}`, options) };
});

const KILLS = 20;

describe("a run that is killed at any instant", () => {
  let cluster: RealCluster;
  beforeAll(() => {
    cluster = openRealCluster();
  });
  afterAll(() => cluster.stop());

  test.for([
    ["alone", 1],
    ["beside another that is killed too", 2],
  ] as const)(
    "is taken up by the next, and no pod template is changed twice: %s",
    { timeout: 300_000 },
    async ([, runs], { enter }) => {
      const upgrades = await openUpgrades(cluster, REVISION);
      const sandbox = await enter({ "istio.io/rev": REVISION });
      await createAll(sandbox, WORKLOADS);
      const before = await generations(sandbox, WORKLOADS);
      await upgrades.next();

      const args = ["restart", "-n", sandbox.name, "--yes", "--json"];
      const killed = async (kills: number): Promise<void> => {
        for (let kill = 0; kill < kills; kill += 1) {
          const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
          const timer = setTimeout(() => running.signal("SIGKILL"), 300 + Math.random() * 2200);
          await running.done;
          clearTimeout(timer);
        }
      };
      await Promise.all(Array.from({ length: runs }, () => killed(KILLS / runs)));
      const last = await run(cluster, ...args);
      expect(last.stderr).toContain("RESULT exit=0");
      expect(parseReport("RestartReport", last.stdout).summary.byVerdict).toEqual({
        current: WORKLOADS.length,
      });
      const once = Object.entries(before).map(([name, generation]) => [name, generation + 1]);
      expect(await generations(sandbox, WORKLOADS)).toEqual(Object.fromEntries(once));
    },
  );
});
