import { describe, expect } from "vitest";
import { BROKEN_BODIES } from "../faults/broken-bodies.ts";
import { openProxiedCluster } from "../faults/proxied-cluster.ts";
import { proxyImage } from "../support/build/pod-group.ts";
import { argoRollout, deployment } from "../support/manifests.ts";
import { grantsOf, rulesOf } from "../support/rbac.ts";
import { parseReport } from "../support/report-schema.ts";
import { runInProcess } from "../support/run-in-process.ts";
import { runProgram } from "../support/run-program.ts";
import { eventually, type Sandbox, test } from "./sandbox.ts";

const REVISION = "asm-1-73";
const [OLD, NEW] = [proxyImage("v1.73.0-1"), proxyImage("v1.73.2-1")];

async function untilHealthy(sandbox: Sandbox, names: readonly string[]): Promise<void> {
  await eventually(async () => {
    for (const name of names) {
      const { status, metadata } = await sandbox.get("rollouts", name);
      expect([name, status?.phase, status?.observedGeneration]).toEqual([
        name,
        "Healthy",
        String(metadata.generation),
      ]);
    }
  });
}

async function imagesOf(sandbox: Sandbox, name: string): Promise<readonly string[]> {
  const pods = (await sandbox.pods()).filter(({ metadata }) => metadata.labels.app === name);
  return pods.map(
    ({ spec }) => spec.containers.find((one: { name: string }) => one.name === "istio-proxy").image,
  );
}

describe("Argo Rollouts", () => {
  test("are found, restarted through restartAt, and verified", async ({ cluster, enter }) => {
    await cluster.installArgoRollouts();
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await sandbox.create("rollouts", argoRollout("web", { replicas: 3 }));
    await sandbox.create("deployments", deployment("api", { replicas: 0 }));
    const workloadRef = { apiVersion: "apps/v1", kind: "Deployment", name: "api" };
    await sandbox.create(
      "rollouts",
      argoRollout("api", { replicas: 2, spec: { workloadRef, template: undefined } }),
    );
    await sandbox.create("rollouts", argoRollout("single"));
    await sandbox.create("rollouts", argoRollout("still", { replicas: 2 }));
    await untilHealthy(sandbox, ["web", "api", "single", "still"]);
    await sandbox.patch("rollouts", "still", { spec: { paused: true } });
    await eventually(async () =>
      expect((await sandbox.get("rollouts", "still")).status.phase).toBe("Paused"),
    );
    await cluster.moveImage(REVISION, NEW);
    const templates = async () =>
      Promise.all(
        ["web", "api"].map(async (name) => (await sandbox.get("rollouts", name)).spec.template),
      );
    const before = await templates();

    const rights = rulesOf(grantsOf("restart-cluster"));
    const env = { KUBECONFIG: await cluster.userKubeconfig("rollouts", rights) };
    const check = await runProgram(["check", "-n", sandbox.name, "--json"], env);
    const found = parseReport("CheckReport", check.stdout);
    expect(found.gaps).toEqual([]);
    expect(
      found.workloads.map(({ kind, name, verdict, restart }) => [kind, name, verdict, restart]),
    ).toEqual([
      ["Rollout", "api", "outdated", "yes"],
      ["Rollout", "single", "outdated", "refused"],
      ["Rollout", "still", "outdated", "refused"],
      ["Rollout", "web", "outdated", "yes"],
    ]);

    const restarted = await runProgram(["restart", "-n", sandbox.name, "--yes", "--json"], env);
    const report = parseReport("RestartReport", restarted.stdout);
    expect(report.results.map(({ name, outcome, code }) => [name, outcome, code])).toEqual([
      ["api", "restarted", "rolled-out"],
      ["web", "restarted", "rolled-out"],
    ]);
    expect([await imagesOf(sandbox, "web"), await imagesOf(sandbox, "api")]).toEqual([
      [NEW, NEW, NEW],
      [NEW, NEW],
    ]);
    expect(await templates()).toEqual(before);
    for (const name of ["web", "api"]) {
      const { spec, status } = await sandbox.get("rollouts", name);
      expect(status.restartedAt).toBe(spec.restartAt);
    }
    expect(report.workloads.map(({ name, restartReason }) => [name, restartReason])).toEqual([
      ["api", ""],
      ["single", "a restart evicts the only pod of this Rollout before a new pod exists"],
      ["still", "the Rollout is paused (manually paused): its pods may run two versions"],
      ["web", ""],
    ]);
    expect(restarted.status).toBe(5);

    const allowed = await runProgram(
      ["restart", "ro/single", "-n", sandbox.name, "--yes", "--json", "--allow-downtime"],
      { KUBECONFIG: cluster.kubeconfig },
    );
    expect(parseReport("RestartReport", allowed.stdout).results).toMatchObject([
      { kind: "Rollout", name: "single", outcome: "restarted" },
    ]);
    expect(allowed.status).toBe(0);
  });

  test("are followed if a restart is accepted but its answer is lost", async ({
    cluster,
    enter,
  }) => {
    await cluster.installArgoRollouts();
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await sandbox.create("rollouts", argoRollout("web", { replicas: 2 }));
    await untilHealthy(sandbox, ["web"]);
    await cluster.moveImage(REVISION, NEW);
    const proxied = await openProxiedCluster(cluster);
    try {
      const fault = BROKEN_BODIES.find(({ carriedOut }) => carriedOut === true);
      if (fault === undefined) throw new Error("no fault breaks an answer");
      const key = `PATCH ${sandbox.path("rollouts", "web")}`;
      await proxied.proxy.arm({ key, fault, times: "always" });
      const args = ["restart", "-n", sandbox.name, "--yes", "--json"];
      // Most of the run is waiting between retries, so its clock runs fast.
      const ran = await runInProcess(
        args,
        { KUBECONFIG: proxied.kubeconfig },
        { sleepDivisor: 20 },
      );
      expect(proxied.proxy.timesApplied()).toBeGreaterThan(0);
      expect(parseReport("RestartReport", ran.stdout).results).toMatchObject([
        { name: "web", outcome: "restarted", code: "rolled-out" },
      ]);
      expect(ran.status).toBe(0);
      expect(await imagesOf(sandbox, "web")).toEqual([NEW, NEW]);
    } finally {
      await proxied.close();
    }
  });

  test("are a gap if they cannot be listed, but only if pods belong to them", async ({
    cluster,
    enter,
  }) => {
    await cluster.installArgoRollouts();
    await cluster.installRevision({ name: REVISION, image: NEW });
    const without = await enter({ "istio.io/rev": REVISION });
    const withOne = await enter({ "istio.io/rev": REVISION });
    await without.create("deployments", deployment("web"));
    await withOne.create("rollouts", argoRollout("web"));
    await untilHealthy(withOne, ["web"]);
    await eventually(async () => expect(await without.pods()).toHaveLength(1));
    const grants = grantsOf("read-only").filter(({ resource }) => resource !== "rollouts");
    const rules = rulesOf(grants);
    const env = { KUBECONFIG: await cluster.userKubeconfig("rolloutless", rules) };
    const check = async ({ name }: Sandbox) =>
      parseReport("CheckReport", (await runProgram(["check", "-n", name, "--json"], env)).stdout);
    expect((await check(without)).gaps).toEqual([]);
    const { gaps, workloads } = await check(withOne);
    expect(gaps).toMatchObject([{ what: "list rollouts.argoproj.io", reason: "forbidden" }]);
    expect(workloads).toMatchObject([{ kind: "Rollout", name: "web", verdict: "unknown" }]);
  });
});
