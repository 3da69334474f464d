import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { run, test } from "../contract/sandbox.ts";
import { daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";
import { auditedWrites } from "./audit.ts";
import { createAll, generations, type TestWorkload, createUpgrades } from "./upgrades.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const REVISION = "asm-1-63";

/** Twenty workloads whose pods take up to two seconds until they are ready. */
const WORKLOADS: readonly TestWorkload[] = Array.from({ length: 20 }, (_, index) => {
  const annotations = { "test.istio-upgrade/ready-after": `${(index % 5) * 500}ms` };
  const options = { annotations, replicas: 2 };
  if (index % 7 === 5)
    return { resource: "statefulsets", manifest: statefulSet(`db-${index}`, options) };
  if (index % 7 === 6)
    return { resource: "daemonsets", manifest: daemonSet(`agent-${index}`, { annotations }) };
  return { resource: "deployments", manifest: deployment(`web-${index}`, options) };
});

const KILLS = 20;
const SEED = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);

/** The milliseconds after which each run is killed, the shortest before its first patch. */
const KILL_TIMES = fc.sample(fc.integer({ min: 300, max: 2800 }), {
  numRuns: 2 * KILLS,
  seed: SEED,
});

describe("a restart that is killed at any time", () => {
  let cluster: RealCluster;
  beforeAll(() => {
    cluster = openRealCluster();
    process.stderr.write(`kill times of SEED=${SEED}\n`);
  });
  afterAll(() => cluster.stop());

  test.for([
    ["one run at a time", 1],
    ["two runs at a time", 2],
  ] as const)(
    "is continued by the next run, and changes no pod template twice: %s",
    { timeout: 600_000 },
    async ([, parallel], { enter }) => {
      const upgrades = await createUpgrades(cluster, REVISION);
      const sandbox = await enter({ "istio.io/rev": REVISION });
      await createAll(sandbox, WORKLOADS);
      const args = ["restart", "-n", sandbox.name, "--yes", "--json"];
      const killTimes = [...KILL_TIMES];

      /** Runs a restart and kills it. Returns true if the kill came before its end. */
      const runAndKill = async (): Promise<boolean> => {
        const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
        const timer = setTimeout(() => running.signal("SIGKILL"), killTimes.pop() ?? 1000);
        const { status } = await running.done;
        clearTimeout(timer);
        return status === null;
      };
      const patched = async () => {
        const writes = await auditedWrites(cluster, sandbox.name);
        const taken = writes.filter(({ responseStatus }) => responseStatus?.code === 200);
        return taken.map(({ objectRef }) => objectRef?.name ?? "").toSorted();
      };

      let [kills, upgrade] = [0, 0];
      while (kills < KILLS) {
        const before = await generations(sandbox, WORKLOADS);
        await upgrades.next();
        // While workloads are left to restart, every kill interrupts a run.
        let left = true;
        while (left && kills < KILLS) {
          const ends = await Promise.all(Array.from({ length: parallel }, runAndKill));
          kills += ends.filter(Boolean).length;
          const now = await generations(sandbox, WORKLOADS);
          left = Object.entries(before).some(([name, generation]) => now[name] === generation);
        }
        const last = await Promise.all(
          Array.from({ length: parallel }, () => run(cluster, ...args)),
        );
        for (const { stdout, stderr } of last) {
          expect(stderr).toContain("RESULT exit=0");
          expect(parseReport("RestartReport", stdout).summary.byVerdict).toEqual({
            current: WORKLOADS.length,
          });
        }
        upgrade += 1;
        const once = Object.entries(before).map(([name, generation]) => [name, generation + 1]);
        expect(await generations(sandbox, WORKLOADS)).toEqual(Object.fromEntries(once));
        // The audit log must confirm it. It shows a patch as failed whose sender was killed before the answer.
        const all = await patched();
        const isTooOften = (name: string) => all.filter((one) => one === name).length > upgrade;
        expect(Object.keys(before).filter(isTooOften)).toEqual([]);
      }
      process.stderr.write(`${kills} kills in ${upgrade} upgrades\n`);
    },
  );
});
