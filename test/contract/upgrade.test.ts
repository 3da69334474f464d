import { describe, expect } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { eventually, run, type Sandbox, test, untilReady } from "./sandbox.ts";

const OLD = "mcr.microsoft.com/oss/istio/proxyv2:1.17.1-distroless";
const NEW = "mcr.microsoft.com/oss/istio/proxyv2:1.17.2-distroless";

/**
 * Returns the image of `istio-proxy`, which may be an init container; `undefined` without a
 * sidecar.
 */
function sidecarImageOf(pod: Awaited<ReturnType<Sandbox["pods"]>>[number]): string | undefined {
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  return containers.find(({ name }: { name: string }) => name === "istio-proxy")?.image;
}

async function sidecarImages(sandbox: Sandbox): Promise<readonly (string | undefined)[]> {
  return (await sandbox.pods()).map(sidecarImageOf);
}

async function podUids(sandbox: Sandbox): Promise<readonly string[]> {
  return (await sandbox.pods()).map(({ metadata }) => metadata.uid).sort();
}

describe("a patch upgrade", () => {
  test("is found, rolled out and verified, and leaves nothing to do", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: "asm-1-17", image: OLD });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    await sandbox.create("deployments", deployment("web", { replicas: 3 }));
    await sandbox.create("statefulsets", statefulSet("db", { replicas: 2 }));
    await sandbox.create("daemonsets", daemonSet("agent"));
    await sandbox.create(
      "deployments",
      deployment("plain", { labels: { "sidecar.istio.io/inject": "false" } }),
    );
    const agents = await agentCount(sandbox);
    await untilReady(sandbox, 6 + agents);
    expect(await run(cluster, "check", "-n", sandbox.name)).toMatchObject({ status: 0 });

    await cluster.moveImage("asm-1-17", NEW);
    const found = await run(cluster, "check", "-n", sandbox.name, "--json");
    expect(found.status).toBe(2);
    const check = parseReport("CheckReport", found.stdout);
    expect(check.workloads.map(({ kind, name, verdict }) => [kind, name, verdict])).toEqual([
      ["DaemonSet", "agent", "outdated"],
      ["Deployment", "web", "outdated"],
      ["StatefulSet", "db", "outdated"],
    ]);
    expect(check.workloads[1]).toMatchObject({
      change: "patch",
      restart: "yes",
      target: { revision: "asm-1-17", image: NEW },
      running: [{ image: OLD, revision: "asm-1-17", pods: 3, native: false }],
    });
    expect(check.exitReasons).toEqual(["outdated:3"]);
    expect(check.nextStep).toBe(`istio-upgrade restart --namespace ${sandbox.name}`);

    const restarted = await run(cluster, "restart", "--namespace", sandbox.name, "--yes", "--json");
    expect(restarted.stderr).toContain("RESULT exit=0");
    expect(restarted.status).toBe(0);
    const report = parseReport("RestartReport", restarted.stdout);
    expect(report.results.map(({ name, outcome }) => [name, outcome]).sort()).toEqual([
      ["agent", "restarted"],
      ["db", "restarted"],
      ["web", "restarted"],
    ]);
    const images = await sidecarImages(sandbox);
    expect(images.filter((image) => image === NEW)).toHaveLength(5 + agents);
    expect(images.filter((image) => image === OLD)).toEqual([]);

    const before = await podUids(sandbox);
    const again = await run(cluster, "restart", "--namespace", sandbox.name, "--yes", "--json");
    expect(again.status).toBe(0);
    expect(parseReport("RestartReport", again.stdout).results).toEqual([]);
    expect(await podUids(sandbox)).toEqual(before);

    const verified = await run(cluster, "verify", "-n", sandbox.name, "--json");
    expect(verified.status).toBe(0);
    expect(parseReport("VerifyReport", verified.stdout).summary).toEqual({
      workloads: 3,
      pods: 5 + agents,
      byVerdict: { current: 3 },
    });
  });

  async function agentCount(sandbox: Sandbox): Promise<number> {
    let desired = 0;
    await eventually(async () => {
      desired = (await sandbox.get("daemonsets", "agent")).status.desiredNumberScheduled;
      expect(desired).toBeGreaterThan(0);
    });
    return desired;
  }

  test("restarts a namespace on a tag and leaves current native sidecars alone", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: "asm-1-27", image: proxyImage("v1.27.7-1") });
    await cluster.installRevision({
      name: "asm-1-28",
      image: proxyImage("v1.28.3-2"),
      native: true,
    });
    await cluster.setTag("prod", "asm-1-27");
    const tagged = await enter({ "istio.io/rev": "prod" });
    const native = await enter({ "istio.io/rev": "asm-1-28" });
    for (const sandbox of [tagged, native]) {
      await sandbox.create("deployments", deployment("web", { replicas: 2 }));
      await untilReady(sandbox, 2);
    }
    await cluster.moveImage("asm-1-27", proxyImage("v1.27.9-6"));

    const scope = ["-n", `${tagged.name},${native.name}`];
    const check = parseReport(
      "CheckReport",
      (await run(cluster, "check", ...scope, "--json")).stdout,
    );
    const byNamespace = Object.fromEntries(
      check.workloads.map((entry) => [entry.namespace, entry]),
    );
    expect(byNamespace[tagged.name]).toMatchObject({
      verdict: "outdated",
      change: "patch",
      target: { revision: "asm-1-27", image: proxyImage("v1.27.9-6") },
    });
    expect(byNamespace[native.name]).toMatchObject({
      verdict: "current",
      running: [{ native: true, image: proxyImage("v1.28.3-2"), pods: 2 }],
    });
    expect(check.targets).toContainEqual(
      expect.objectContaining({ revision: "asm-1-27", tags: ["prod"], ready: true }),
    );

    const untouched = await podUids(native);
    expect(await run(cluster, "restart", ...scope, "--yes")).toMatchObject({ status: 0 });
    expect(await sidecarImages(tagged)).toEqual([proxyImage("v1.27.9-6"), proxyImage("v1.27.9-6")]);
    expect(await podUids(native)).toEqual(untouched);

    // A canary upgrade: the tag moves to the native revision.
    await cluster.setTag("prod", "asm-1-28");
    const moved = parseReport(
      "CheckReport",
      (await run(cluster, "check", ...scope, "--json")).stdout,
    );
    expect(moved.workloads.find(({ namespace }) => namespace === tagged.name)).toMatchObject({
      verdict: "outdated",
      change: "minor",
      target: { revision: "asm-1-28", image: proxyImage("v1.28.3-2") },
    });
    const alone = await run(cluster, "restart", ...scope, "--yes");
    expect(alone.status).toBe(5);
    const allowed = ["--allow-revision", "asm-1-28"];
    expect(await run(cluster, "restart", ...scope, "--yes", ...allowed)).toMatchObject({
      status: 0,
    });
    expect(await sidecarImages(tagged)).toEqual([proxyImage("v1.28.3-2"), proxyImage("v1.28.3-2")]);
    await cluster.removeTag("prod");
  });
});

describe("a workload that a restart would harm", () => {
  test("is not restarted, and the next step names the label to fix", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: "asm-1-17", image: OLD });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    await sandbox.create("deployments", deployment("web", { replicas: 2 }));
    await untilReady(sandbox, 2);
    await sandbox.relabel({ "istio.io/rev": "asm-1-16" });
    await cluster.moveImage("asm-1-17", NEW);
    const before = await podUids(sandbox);

    const lost = await run(cluster, "restart", "-n", sandbox.name, "--yes", "--json");
    expect(lost.status).toBe(5);
    const [entry] = parseReport("RestartReport", lost.stdout).workloads;
    expect(entry).toMatchObject({ verdict: "would-lose", code: "revision-gone", restart: "no" });
    expect(entry?.reason).toContain(
      "istio.io/rev=asm-1-16, which names no installed revision or tag",
    );
    expect(entry?.nextStep).toMatch(
      new RegExp(
        `(?:^|asm-1-17[^:]*: )kubectl label namespace ${sandbox.name} istio.io/rev=asm-1-17 --overwrite && istio-upgrade restart --namespace ${sandbox.name} --allow-revision asm-1-17`,
      ),
    );
    expect(await podUids(sandbox)).toEqual(before);

    await sandbox.relabel({ "istio.io/rev": "asm-1-17" });
    expect(await run(cluster, "restart", "-n", sandbox.name, "--yes")).toMatchObject({ status: 0 });
    expect(await sidecarImages(sandbox)).toEqual([NEW, NEW]);
  });

  test("stops the run at the first pod without a sidecar if a label is removed meanwhile", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: "asm-1-17", image: OLD });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    const slow = { annotations: { "test.istio-upgrade/ready-after": "3s" } };
    await sandbox.create("deployments", deployment("first", { replicas: 4, ...slow }));
    await sandbox.create("deployments", deployment("second", { replicas: 2, ...slow }));
    await untilReady(sandbox, 6);
    await cluster.moveImage("asm-1-17", NEW);

    const running = run(
      cluster,
      "restart",
      "-n",
      sandbox.name,
      "--yes",
      "--json",
      "--max-parallel",
      "1",
    );
    await eventually(async () => {
      expect(await sidecarImages(sandbox)).toContain(NEW);
    });
    await sandbox.relabel({ "istio.io/rev": null });
    const ran = await running;
    expect(ran.status).toBe(3);
    const { results, exitReasons } = parseReport("RestartReport", ran.stdout);
    expect(results).toMatchObject([
      { name: "first", outcome: "failed", code: "sidecar-lost" },
      { name: "second", outcome: "not-started", code: "run-stopped" },
    ]);
    expect(results[0]?.message).toMatch(/ has no sidecar; \d old pods? still with one/);
    expect(results[0]?.nextStep).toBe(`kubectl rollout undo deployment/first -n ${sandbox.name}`);
    expect(exitReasons).toContain("sidecar-lost:1");
  });

  test("needs consent if it has no pod to spare", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: "asm-1-17", image: OLD });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    const strategies: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
      ["paused", { paused: true }],
      ["recreate", { strategy: { type: "Recreate" } }],
      ["web", {}],
    ];
    for (const [name, spec] of strategies) {
      // A paused Deployment creates no pods.
      await sandbox.create("deployments", deployment(name, { spec: { ...spec, paused: false } }));
    }
    await sandbox.create("statefulsets", statefulSet("single"));
    await sandbox.create(
      "statefulsets",
      statefulSet("manual", { replicas: 2, spec: { updateStrategy: { type: "OnDelete" } } }),
    );
    await untilReady(sandbox, 6);
    await sandbox.patch("deployments", "paused", { spec: { paused: true } });
    await cluster.moveImage("asm-1-17", NEW);

    const ran = await run(cluster, "restart", "-n", sandbox.name, "--yes", "--json");
    const report = parseReport("RestartReport", ran.stdout);
    expect(report.results.map(({ name, outcome }) => [name, outcome])).toEqual([
      ["web", "restarted"],
    ]);
    expect(report.workloads.map(({ name, verdict, restart }) => [name, verdict, restart])).toEqual([
      ["paused", "outdated", "refused"],
      ["recreate", "outdated", "refused"],
      ["web", "current", "no"],
      ["manual", "outdated", "refused"],
      ["single", "outdated", "refused"],
    ]);
    expect([ran.status, report.exitReasons]).toEqual([5, ["by-hand:4"]]);

    const allowed = await run(
      cluster,
      "restart",
      "-n",
      sandbox.name,
      "--yes",
      "--json",
      "--allow-downtime",
    );
    expect(
      parseReport("RestartReport", allowed.stdout)
        .results.map(({ name }) => name)
        .sort(),
    ).toEqual(["recreate", "single"]);
    expect(allowed.status).toBe(5);
  });

  test("is restarted only with --include unhealthy if it is failing, and fails quickly", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: "asm-1-17", image: OLD });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    const failing = { annotations: { "test.istio-upgrade/fail": "CrashLoopBackOff" } };
    await sandbox.create("deployments", deployment("broken", failing));
    await eventually(async () => {
      const [pod] = await sandbox.pods();
      expect(JSON.stringify(pod?.status)).toContain("CrashLoopBackOff");
    });
    await cluster.moveImage("asm-1-17", NEW);

    const refused = await run(cluster, "restart", "-n", sandbox.name, "--yes", "--json");
    expect(refused.status).toBe(5);
    const [entry] = parseReport("RestartReport", refused.stdout).workloads;
    expect(entry).toMatchObject({ verdict: "outdated", restart: "refused" });
    expect(entry?.restartReason).toContain("is in CrashLoopBackOff");

    const asked = await run(
      cluster,
      "restart",
      "-n",
      sandbox.name,
      "--yes",
      "--json",
      "--include",
      "unhealthy",
    );
    expect(asked.status).toBe(3);
    const [result] = parseReport("RestartReport", asked.stdout).results;
    expect(result).toMatchObject({ outcome: "failed", code: "pod-failed" });
    expect(result?.message).toContain("CrashLoopBackOff");
  });
});

describe("restart", () => {
  test("changes nothing in a dry run, client-side or server-side", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: "asm-1-17", image: OLD });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    await sandbox.create("deployments", deployment("web"));
    await untilReady(sandbox, 1);
    await cluster.moveImage("asm-1-17", NEW);
    const before = (await sandbox.get("deployments", "web")).metadata.generation;
    for (const flag of ["--dry-run", "--dry-run=server"]) {
      const ran = await run(cluster, "restart", "-n", sandbox.name, flag, "--json");
      expect(ran.status).toBe(0);
      const report = parseReport("RestartReport", ran.stdout);
      expect(report.steps).toMatchObject([
        { name: "web", from: [{ image: OLD, pods: 1 }], to: { image: NEW } },
      ]);
      expect(report.results.every(({ code }) => code === "dry-run")).toBe(true);
    }
    expect((await sandbox.get("deployments", "web")).metadata.generation).toBe(before);
  });

  test("changes each pod template only once if two runs work side by side", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: "asm-1-17", image: OLD });
    const sandbox = await enter({ "istio.io/rev": "asm-1-17" });
    const slow = { replicas: 2, annotations: { "test.istio-upgrade/ready-after": "1s" } };
    const names = ["a", "b", "c"];
    for (const name of names) await sandbox.create("deployments", deployment(name, slow));
    await untilReady(sandbox, 6);
    const generations = () =>
      Promise.all(
        names.map(async (name) => (await sandbox.get("deployments", name)).metadata.generation),
      );
    const before = await generations();
    await cluster.moveImage("asm-1-17", NEW);
    const both = await Promise.all(
      [1, 2].map(() => run(cluster, "restart", "-n", sandbox.name, "--yes")),
    );
    expect(both.map(({ status }) => status)).toEqual([0, 0]);
    expect(await generations()).toEqual(before.map((generation: number) => generation + 1));
  });
});
