import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { run, test } from "../contract/sandbox.ts";
import { daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";
import { auditedWrites } from "./audit.ts";
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
const SEED = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);

/** Milliseconds from its start on that each run is given: from before its first patch on. */
const INSTANTS = fc.sample(fc.integer({ min: 300, max: 2800 }), { numRuns: 2 * KILLS, seed: SEED });

describe("a run that is killed at any instant", () => {
  let cluster: RealCluster;
  beforeAll(() => {
    cluster = openRealCluster();
    process.stderr.write(`instants of SEED=${SEED}\n`);
  });
  afterAll(() => cluster.stop());

  test.for([
    ["alone", 1],
    ["beside another that is killed too", 2],
  ] as const)(
    "is taken up by the next, and no pod template is changed twice: %s",
    { timeout: 600_000 },
    async ([, beside], { enter }) => {
      const upgrades = await openUpgrades(cluster, REVISION);
      const sandbox = await enter({ "istio.io/rev": REVISION });
      await createAll(sandbox, WORKLOADS);
      const args = ["restart", "-n", sandbox.name, "--yes", "--json"];
      const instants = [...INSTANTS];

      /** Runs one that is killed; tells whether the kill came before its end. */
      const killed = async (): Promise<boolean> => {
        const running = startProgram(args, { KUBECONFIG: cluster.kubeconfig });
        const timer = setTimeout(() => running.signal("SIGKILL"), instants.pop() ?? 1000);
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
        const known = (await patched()).length;
        await upgrades.next();
        // As long as there is something left to do, every kill comes in the middle of it.
        let left = true;
        while (left && kills < KILLS) {
          const ends = await Promise.all(Array.from({ length: beside }, killed));
          kills += ends.filter(Boolean).length;
          left = (await patched()).length - known < WORKLOADS.length;
        }
        const last = await Promise.all(Array.from({ length: beside }, () => run(cluster, ...args)));
        for (const { stdout, stderr } of last) {
          expect(stderr).toContain("RESULT exit=0");
          expect(parseReport("RestartReport", stdout).summary.byVerdict).toEqual({
            current: WORKLOADS.length,
          });
        }
        upgrade += 1;
        const once = Object.entries(before).map(([name, generation]) => [name, generation + 1]);
        expect(await generations(sandbox, WORKLOADS)).toEqual(Object.fromEntries(once));
        // By the API server's own account, too.
        const each = Object.keys(before).flatMap((name) => Array<string>(upgrade).fill(name));
        expect(await patched()).toEqual(each.toSorted());
      }
      process.stderr.write(`${kills} kills in ${upgrade} upgrades\n`);
    },
  );
});
