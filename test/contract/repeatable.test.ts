import { expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { daemonSet, deployment, pod, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { eventually, run, type Sandbox, test, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const REVISION = "asm-1-97";
const [OLD, NEW] = [proxyImage("v1.97.1-1"), proxyImage("v1.97.2-1")];
const LONG = `audit-${"x".repeat(56)}`;

test("two reports of an unchanged cluster are equal, except for their time and the ages", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: OLD });
  const open = await enter({ "istio.io/rev": REVISION }, "open");
  const guarded = await enter({ "istio.io/rev": REVISION }, "guarded");
  for (const sandbox of [open, guarded]) {
    await sandbox.create("deployments", deployment("audit", { replicas: 2 }));
    await sandbox.create("deployments", deployment(LONG));
    await sandbox.create("statefulsets", statefulSet("db", { replicas: 2 }));
    await sandbox.create("daemonsets", daemonSet("agent"));
    await sandbox.create("pods", pod("bare"));
  }
  const nodes = await countNodes(open);
  for (const sandbox of [open, guarded]) await untilReady(sandbox, 6 + nodes);
  await guarded.relabel({ "pod-security.kubernetes.io/enforce": "restricted" });
  await cluster.moveImage(REVISION, NEW);

  const scope = ["-n", `${open.name},${guarded.name}`, "--json"];
  for (const prove of ["auto", "always", "never"]) {
    const reports = [];
    for (const _ of ["first", "second"]) {
      const { stdout } = await run(cluster, "check", ...scope, `--prove=${prove}`);
      reports.push(
        stdout
          .replace(/"generatedAt": "[^"]*"/, '"generatedAt": ""')
          .replaceAll(/("at(?:Least|Most)": )"P[^"]*"/g, '$1""'),
      );
    }
    expect(reports[1]).toBe(reports[0]);
    expect(reports[0]).toContain('"generatedAt": ""');
  }
  const { stdout } = await run(cluster, "check", ...scope);
  const blocked = parseReport("CheckReport", stdout).workloads.filter(
    ({ namespace }) => namespace === guarded.name,
  );
  expect(blocked.map(({ name, verdict }) => [name, verdict])).toEqual(
    ["agent", "audit", LONG, "bare", "db"].map((name) => [name, "blocked"]),
  );
  for (const { name, reason } of blocked) expect(reason).toContain(`pods "${name}" is forbidden`);
});

/** Returns the number of nodes that the DaemonSet runs on, once its controller has counted them. */
async function countNodes(sandbox: Sandbox): Promise<number> {
  let nodes = 0;
  await eventually(async () => {
    nodes = (await sandbox.get("daemonsets", "agent")).status?.desiredNumberScheduled ?? 0;
    expect(nodes).toBeGreaterThan(0);
  });
  return nodes;
}
