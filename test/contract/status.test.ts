import { describe, expect } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { grantsOf, nameOf, rulesOf } from "../support/rbac.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, run, type Sandbox, test, untilAlone, untilReady } from "./sandbox.ts";

/** Only this file uses these revisions. */
const FROM = { name: "asm-1-61", image: proxyImage("v1.61.5-2") };
const TO = { name: "asm-1-62", image: proxyImage("v1.62.3-1") };

async function runStatus(cluster: TestCluster, ...args: readonly string[]) {
  const ran = await run(cluster, "status", ...args, "--json");
  return { status: ran.status, ...parseReport("StatusReport", ran.stdout) };
}

async function web(sandbox: Sandbox): Promise<void> {
  await sandbox.create("deployments", deployment("web", { replicas: 2 }));
  await untilReady(sandbox, 2);
}

describe("status", () => {
  test("derives every phase from the cluster, forward and back", async ({ cluster, enter }) => {
    await untilAlone(cluster);
    await cluster.installRevision(FROM);
    const sandbox = await enter({ "istio.io/rev": FROM.name });
    await web(sandbox);
    await eventually(async () => {
      const { phase, status, nextStep, namespaces } = await runStatus(cluster);
      expect([phase, status, nextStep]).toEqual(["current", 0, ""]);
      expect(namespaces).toMatchObject([
        { name: sandbox.name, leadsTo: FROM.name, tag: null, pods: { [FROM.name]: 2 } },
      ]);
    });

    await cluster.moveImage(FROM.name, proxyImage("v1.61.6-1"));
    const lagging = await runStatus(cluster);
    expect([lagging.phase, lagging.status]).toEqual(["patch", 2]);
    expect(lagging.nextStep).toBe(`istio-upgrade restart --namespace ${sandbox.name}`);
    expect(lagging.namespaces).toMatchObject([{ outdated: 1, nextStep: lagging.nextStep }]);

    const planned = await runStatus(cluster, "--to", TO.name);
    expect([planned.phase, planned.status, planned.from, planned.to]).toEqual([
      "planning",
      5,
      FROM.name,
      TO.name,
    ]);
    expect(planned.nextStep).toContain(`az aks mesh upgrade start for the revision ${TO.name}`);
    expect(planned.namespaces).toMatchObject([{ outdated: 1 }]);

    await cluster.installRevision(TO);
    await eventually(async () => {
      const ready = await runStatus(cluster, "--to", TO.name);
      expect([ready.phase, ready.status]).toEqual(["ready", 5]);
    });
    const undirected = await runStatus(cluster);
    expect([undirected.status, undirected.nextStep]).toEqual([5, ""]);
    expect(undirected.steps).toMatchObject([
      { id: "forward", nextStep: `istio-upgrade status --to ${TO.name}` },
      { id: "back", nextStep: `istio-upgrade status --to ${FROM.name}` },
    ]);

    await sandbox.relabel({ "istio.io/rev": TO.name });
    const moving = await runStatus(cluster, "--to", TO.name);
    expect([moving.phase, moving.status]).toEqual(["moving", 2]);
    expect(moving.namespaces).toMatchObject([
      { leadsTo: TO.name, pods: { [FROM.name]: 2 }, outdated: 1 },
    ]);
    const back = await runStatus(cluster, "--to", FROM.name);
    expect([back.phase, back.from, back.to]).toEqual(["moving", TO.name, FROM.name]);
    expect(back.nextStep).toBe(`istio-upgrade move ${sandbox.name} --to ${FROM.name}`);

    const [, ...args] = moving.nextStep.split(" ");
    expect((await run(cluster, ...args, "--yes")).status).toBe(0);
    await eventually(async () => {
      const moved = await runStatus(cluster, "--to", TO.name);
      expect([moved.phase, moved.status]).toEqual(["moved", 5]);
      expect(moved.nextStep).toContain(`istio-upgrade revisions ${FROM.name} --assert-unused`);
    });

    await cluster.removeRevision(FROM.name);
    const done = await runStatus(cluster, "--to", TO.name);
    expect([done.phase, done.status, done.nextStep]).toEqual(["current", 0, ""]);

    await sandbox.relabel({ "istio.io/rev": FROM.name });
    const stranded = await runStatus(cluster);
    expect([stranded.phase, stranded.status]).toEqual(["stranded", 5]);
    expect(stranded.nextStep).toBe(`istio-upgrade move ${sandbox.name} --to ${TO.name}`);
    expect(stranded.namespaces).toMatchObject([{ leadsTo: null, wouldLose: 1 }]);
    await sandbox.relabel({ "istio.io/rev": TO.name });
  });

  test("ends with RESULT, and reads a tag in --to", async ({ cluster, enter }) => {
    await untilAlone(cluster);
    await cluster.installRevision(TO);
    await cluster.setTag("ring", TO.name);
    const sandbox = await enter({ "istio.io/rev": "ring" });
    await web(sandbox);
    await eventually(async () => {
      const ran = await run(cluster, "status", "--to", "ring");
      expect(ran.stderr).toMatch(
        /^RESULT exit=0 cluster=test phase=current outdated=0 .*gaps=0\n$/,
      );
      expect(ran.stdout).toContain(`${TO.name} (ring)`);
    });
    await cluster.removeTag("ring");
    const lost = await runStatus(cluster);
    expect([lost.phase, lost.status]).toEqual(["stranded", 5]);
  });

  test("says what it may not read, and exits 6 if the phase depends on it", async ({
    cluster,
    enter,
  }) => {
    await untilAlone(cluster);
    await cluster.installRevision(TO);
    await web(await enter({ "istio.io/rev": TO.name }));
    const without = async (...names: readonly string[]) => {
      const grants = grantsOf("read-only").filter((grant) => !names.includes(nameOf(grant)));
      return { KUBECONFIG: await cluster.userKubeconfig("reader", rulesOf(grants)) };
    };
    const optional = await without("list nodes", "list envoyfilters.networking.istio.io");
    // The namespace of the other test may still be terminating, and its tag is gone.
    await eventually(async () => {
      const planned = await runProgram(["status", "--to", "asm-1-99", "--json"], optional);
      const { phase, gaps, steps } = parseReport("StatusReport", planned.stdout);
      expect([planned.status, phase, gaps]).toEqual([5, "planning", []]);
      const native = steps.find(({ id }) => id === "native-sidecars");
      expect(native?.message).toContain("not allowed to list nodes");
    }, 60_000);

    const blind = await runProgram(["status", "--json"], await without("list pods"));
    const report = parseReport("StatusReport", blind.stdout);
    expect([blind.status, report.phase, report.nextStep]).toEqual([6, null, ""]);
    expect(report.gaps).toMatchObject([{ what: "list pods", reason: "forbidden" }]);
    expect(blind.stderr).toMatch(/RESULT exit=6 .* phase=unknown .*gaps=1\n$/);
  });

  test("rejects a name that no revision of AKS can have", async ({ cluster }) => {
    await cluster.installRevision(TO);
    const unknown = await run(cluster, "status", "--to", "stable");
    expect(unknown.status).toBe(1);
    expect(unknown.stderr).toContain('error: there is no revision or tag "stable"');
    const malformed = await run(cluster, "status", "--to", "Stable!");
    expect(malformed.status).toBe(64);
    expect(malformed.stderr).toMatch(/RESULT exit=64 .*error=usage\n$/);
  });
});
