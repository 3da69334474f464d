import { expect, vi } from "vitest";
import { secondsOf } from "../support/ages.ts";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment, pod } from "../support/manifests.ts";
import { grantsOf, rulesOf } from "../support/rbac.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, run, type Sandbox, test, untilInjected, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const ISTIO = "aks-istio-system";

/** Resolves in another second of the server's clock, so that two times differ. */
async function nextSecond(cluster: TestCluster): Promise<void> {
  const before = await serverTime(cluster);
  await eventually(async () => expect(await serverTime(cluster)).toBeGreaterThan(before));
}

/** Returns the server's clock, in seconds. */
async function serverTime(cluster: TestCluster): Promise<number> {
  const { headers } = await cluster.request("GET", `/api/v1/namespaces/${ISTIO}`);
  return Date.parse(String(headers["date"])) / 1000;
}

function seconds(time: string): number {
  return Date.parse(time) / 1000;
}

/** Sets the image of istiod, and waits for its new ReplicaSet. Returns the time of its creation. */
async function releaseIstiod(cluster: TestCluster, revision: string, tag: string): Promise<number> {
  const image = `mcr.microsoft.com/oss/v2/istio/pilot:${tag}`;
  const apps = `/apis/apps/v1/namespaces/${ISTIO}`;
  const path = `${apps}/deployments/istiod-${revision}`;
  const { template } = (await cluster.request("GET", path)).body.spec;
  const [discovery, ...others] = template.spec.containers;
  const containers = [{ ...discovery, image }, ...others];
  const patch = {
    body: { spec: { template: { spec: { containers } } } },
    contentType: "application/merge-patch+json",
  };
  expect((await cluster.request("PATCH", path, patch)).status).toBe(200);
  let created = "";
  await eventually(async () => {
    const { items } = (await cluster.request("GET", `${apps}/replicasets`)).body;
    const found = items.find(
      (set: typeof template) => set.spec.template.spec.containers[0].image === image,
    );
    created = found?.metadata.creationTimestamp ?? "";
    expect(created).not.toBe("");
    const { spec, status } = (await cluster.request("GET", path)).body;
    expect([status.updatedReplicas, status.replicas, status.availableReplicas]).toEqual([
      spec.replicas,
      spec.replicas,
      spec.replicas,
    ]);
  });
  return seconds(created);
}

/** Returns the time at which the image of a revision was set, according to the API server. */
async function imageSetAt(cluster: TestCluster, revision: string): Promise<string> {
  const path = `/api/v1/namespaces/${ISTIO}/configmaps/istio-sidecar-injector-${revision}`;
  const { managedFields } = (await cluster.request("GET", path)).body.metadata;
  const times = managedFields
    .filter((entry: { fieldsV1: object }) => JSON.stringify(entry.fieldsV1).includes('"f:values"'))
    .map(({ time }: { time: string }) => time);
  return times.sort().at(-1);
}

/** Returns the time at which the oldest pod of a namespace was created. */
async function createdIn(sandbox: Sandbox): Promise<number> {
  const pods = await sandbox.pods();
  return Math.min(...pods.map(({ metadata }) => seconds(metadata.creationTimestamp)));
}

/** Runs a check of one outdated workload, and returns its age with the bounds of the server's clock. */
async function agesIn(cluster: TestCluster, namespace: string, kubeconfig = cluster.kubeconfig) {
  const began = await serverTime(cluster);
  const { stdout } = await runProgram(["check", "-n", namespace, "--json"], {
    KUBECONFIG: kubeconfig,
  });
  const ended = await serverTime(cluster);
  const { workloads, targets, notes, gaps } = parseReport("CheckReport", stdout);
  expect(workloads).toMatchObject([{ verdict: "outdated" }]);
  expect(gaps).toEqual([]);
  const [entry] = workloads;
  const { outdatedFor, running } = entry ?? {};
  return { outdatedFor, running, targets, notes, began, ended };
}

type Ages = Awaited<ReturnType<typeof agesIn>>;

/** Compares the ages with the times of the objects, to the second. */
function expectAges(
  { outdatedFor, began, ended }: Ages,
  superseded: number,
  created: number,
): void {
  const [atLeast, atMost] = [outdatedFor?.atLeast ?? "", outdatedFor?.atMost ?? ""];
  const now = created + secondsOf(atMost);
  expect(now - secondsOf(atLeast)).toBe(superseded);
  expect(now).toBeGreaterThanOrEqual(began);
  expect(now).toBeLessThanOrEqual(ended);
}

test("workloads are outdated since the image of their revision was set", async ({
  cluster,
  enter,
}) => {
  const revision = "asm-1-47";
  await cluster.installRevision({ name: revision, image: proxyImage("v1.47.1-1") });
  const sandbox = await enter({ "istio.io/rev": revision });
  await sandbox.create("deployments", deployment("web", { replicas: 1 }));
  await untilReady(sandbox, 1);
  await nextSecond(cluster);
  await sandbox.patch("deployments", "web", { spec: { replicas: 2 } });
  await untilReady(sandbox, 2);
  await nextSecond(cluster);
  await cluster.moveImage(revision, proxyImage("v1.47.2-1"));
  await untilInjected(cluster, sandbox, proxyImage("v1.47.2-1"));
  await nextSecond(cluster);

  const since = await imageSetAt(cluster, revision);
  const ages = await agesIn(cluster, sandbox.name);
  expectAges(ages, seconds(since), await createdIn(sandbox));
  expect(ages.running).toMatchObject([{ pods: 2, outdatedFor: ages.outdatedFor }]);
  expect(ages.targets).toContainEqual(expect.objectContaining({ revision, since }));
  expect(ages.notes.join()).not.toContain("replicasets");
  await sandbox.restart("deployments", "web", "2026-11-28T12:00:00Z");
  await eventually(async () => {
    const args = ["verify", "-n", sandbox.name, "--json"];
    const { status, stdout } = await runProgram(args, { KUBECONFIG: cluster.kubeconfig });
    expect(status).toBe(0);
    expect(parseReport("VerifyReport", stdout).workloads[0]).not.toHaveProperty("outdatedFor");
  });
});

test("later patches do not set the age back if the images of istiod have the same versions", async ({
  cluster,
  enter,
}) => {
  const revision = "asm-1-48";
  const patch = async (tag: string) => {
    const released = await releaseIstiod(cluster, revision, tag);
    await cluster.moveImage(revision, proxyImage(tag));
    await nextSecond(cluster);
    return released;
  };
  await cluster.installRevision({ name: revision, image: proxyImage("v1.48.1-1") });
  await releaseIstiod(cluster, revision, "v1.48.1-1");
  const sandbox = await enter({ "istio.io/rev": revision });
  await sandbox.create("deployments", deployment("web"));
  await untilReady(sandbox, 1);
  await nextSecond(cluster);
  const first = await patch("v1.48.2-1");
  await patch("v1.48.3-1");
  await untilInjected(cluster, sandbox, proxyImage("v1.48.3-1"));
  const created = await createdIn(sandbox);
  expectAges(await agesIn(cluster, sandbox.name), first, created);

  // Without the permission to list ReplicaSets, the age begins with the last patch.
  const rules = grantsOf("restart-namespace", sandbox.name).filter(
    ({ resource, namespace }) => resource !== "replicasets" || namespace !== ISTIO,
  );
  const kubeconfig = await cluster.userKubeconfig("no-replicasets", rulesOf(rules));
  const limited = await agesIn(cluster, sandbox.name, kubeconfig);
  expectAges(limited, seconds(await imageSetAt(cluster, revision)), created);
  expect(limited.notes).toContain(
    `not allowed to list replicasets in ${ISTIO}: workloads may have been outdated for longer than reported`,
  );
});

test("pods that are younger than the newer istiod are outdated since the image was set", async ({
  cluster,
  enter,
}) => {
  const revision = "asm-1-49";
  await cluster.installRevision({ name: revision, image: proxyImage("v1.49.1-1") });
  await releaseIstiod(cluster, revision, "v1.49.2-1");
  await nextSecond(cluster);
  const sandbox = await enter({ "istio.io/rev": revision });
  await sandbox.create("deployments", deployment("web"));
  await untilReady(sandbox, 1);
  await nextSecond(cluster);
  await cluster.moveImage(revision, proxyImage("v1.49.2-1"));
  await untilInjected(cluster, sandbox, proxyImage("v1.49.2-1"));
  const created = await createdIn(sandbox);
  const since = seconds(await imageSetAt(cluster, revision));
  expectAges(await agesIn(cluster, sandbox.name), since, created);
});

test("--max-age counts what is certainly older, and what has an unknown age", async ({
  cluster,
  enter,
}) => {
  const revision = "asm-1-50";
  await cluster.installRevision({ name: revision, image: proxyImage("v1.50.1-1") });
  const sandbox = await enter({ "istio.io/rev": revision });
  await sandbox.create("deployments", deployment("web"));
  await sandbox.create("pods", pod("bare"));
  await untilReady(sandbox, 2);
  await nextSecond(cluster);
  await cluster.moveImage(revision, proxyImage("v1.50.2-1"));
  await untilInjected(cluster, sandbox, proxyImage("v1.50.2-1"));
  await nextSecond(cluster);
  await nextSecond(cluster);

  const at = ["-n", sandbox.name] as const;
  for (const [command, kind] of [
    ["check", "CheckReport"],
    ["verify", "VerifyReport"],
  ] as const) {
    const within = await run(cluster, command, ...at, "--max-age", "30d", "--json");
    expect(within.status).toBe(0);
    expect(within.stderr).toMatch(
      /RESULT exit=0 .* outdated=2 restartable=1 by-hand=1 .* within-max-age=2 oldest=\d+s\n$/,
    );
    expect(parseReport(kind, within.stdout)).toMatchObject({
      maxAge: "P30D",
      summary: { byVerdict: { outdated: 2 }, withinMaxAge: 2, oldest: {} },
      workloads: [{ withinMaxAge: true }, { withinMaxAge: true }],
      exitReasons: [],
    });
    const text = await run(cluster, command, ...at, "--max-age", "30d");
    expect([text.status, text.stdout]).toEqual([
      0,
      expect.stringContaining("WITHIN 30 DAYS: 2 workloads, 2 pods\n"),
    ]);

    const older = await run(cluster, command, ...at, "--max-age", "1s", "--json");
    const report = parseReport(kind, older.stdout);
    expect([older.status, report.exitReasons, report.summary.withinMaxAge]).toEqual([
      2,
      ["outdated:2", "by-hand:1"],
      0,
    ]);
    const byHand = await run(cluster, command, ...at, "--max-age", "1s", "--fail-on", "by-hand");
    expect(byHand.status).toBe(5);
  }

  // Without the configuration of the injector, only the pods show the age.
  await cluster.request("DELETE", sandbox.path("pods", "bare"));
  await untilReady(sandbox, 1);
  const own = grantsOf("restart-namespace", sandbox.name).filter(
    ({ namespace }) => namespace === sandbox.name,
  );
  const env = { KUBECONFIG: await cluster.userKubeconfig("age-tenant", rulesOf(own)) };
  const check = async (maxAge: string) => {
    const args = ["check", ...at, "--max-age", maxAge, "--json"];
    const { status, stdout } = await runProgram(args, env);
    return [status, parseReport("CheckReport", stdout).summary] as const;
  };
  expect(await check("1s")).toMatchObject([2, { oldest: { atLeast: null }, withinMaxAge: 0 }]);
  expect(await check("30d")).toMatchObject([0, { oldest: { atLeast: null }, withinMaxAge: 1 }]);
});
