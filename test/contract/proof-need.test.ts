import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, vi } from "vitest";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment, pod, statefulSet } from "../support/manifests.ts";
import { grantsOf, rulesOf } from "../support/rbac.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { mirrored, mirrorImages } from "./rewritten-images.ts";
import { eventually, type Sandbox, test, untilReady } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000 });

const ISTIO = "aks-istio-system";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "istio-upgrade-proof-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command as a user with the permissions of the manifest, or without `create pods`. */
type Caller = (...args: readonly string[]) => ReturnType<typeof runProgram>;

async function caller(cluster: TestCluster, { name }: Sandbox, mayProve: boolean): Promise<Caller> {
  const grants = grantsOf("restart-cluster").filter(
    ({ verb, resource }) => mayProve || verb !== "create" || resource !== "pods",
  );
  const user = `${mayProve ? "prover" : "restarter"}-${name}`;
  const kubeconfig = await cluster.userKubeconfig(user, rulesOf(grants));
  return (...args) => runProgram(args, { KUBECONFIG: kubeconfig });
}

/** The verdicts of a report, each once: `outdated image-differs IMAGE`. */
function verdictsOf(kind: "CheckReport" | "VerifyReport" | "RestartReport", stdout: string) {
  const { workloads } = parseReport(kind, stdout);
  return [
    ...new Set(
      workloads.map(({ verdict, code, target }) =>
        [verdict, code, target?.image].filter(Boolean).join(" "),
      ),
    ),
  ];
}

/** Asks all four commands about the same state, which a restart does not change. */
async function answersOf(call: Caller, { name }: Sandbox) {
  const scope = ["-n", name, "-o", "json"];
  const check = await call("check", ...scope);
  const dryRun = await call("restart", "--dry-run", ...scope);
  const restart = await call("restart", "--yes", ...scope);
  const verify = await call("verify", ...scope);
  return {
    check: [check.status, ...verdictsOf("CheckReport", check.stdout)],
    "restart --dry-run": [dryRun.status, ...verdictsOf("RestartReport", dryRun.stdout)],
    restart: [restart.status, ...verdictsOf("RestartReport", restart.stdout)],
    verify: [verify.status, ...verdictsOf("VerifyReport", verify.stdout)],
    results: parseReport("RestartReport", restart.stdout).results,
  };
}

function allOf(...answer: readonly unknown[]) {
  const every = [...answer];
  return { check: every, "restart --dry-run": every, restart: every, verify: every, results: [] };
}

async function createWorkloads(sandbox: Sandbox): Promise<void> {
  await sandbox.create("deployments", deployment("web", { replicas: 2 }));
  await sandbox.create("statefulsets", statefulSet("db"));
  await untilReady(sandbox, 3);
}

describe("a policy that moves images to a mirror", () => {
  const REVISION = "asm-1-41";
  const [OLD, NEW] = [proxyImage("v1.41.1-1"), proxyImage("v1.41.2-1")];

  test("all commands agree before and after an upgrade, and an approved plan runs", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    const remove = await mirrorImages(cluster, sandbox);
    await createWorkloads(sandbox);
    const call = await caller(cluster, sandbox, true);
    const current = `current on-target ${mirrored(OLD)}`;
    expect(await answersOf(call, sandbox)).toEqual(allOf(0, current));

    await cluster.moveImage(REVISION, NEW);
    const scope = ["-n", sandbox.name, "-o", "json"];
    const outdated = `outdated image-differs ${mirrored(NEW)}`;
    const check = await call("check", ...scope);
    expect([check.status, ...verdictsOf("CheckReport", check.stdout)]).toEqual([2, outdated]);
    const planned = await call("restart", "--dry-run", "--allow-downtime", ...scope);
    expect(planned.status).toBe(0);
    const { steps } = parseReport("RestartReport", planned.stdout);
    expect(steps.map(({ to }) => to.image)).toEqual([mirrored(NEW), mirrored(NEW)]);
    const file = join(folder, `${sandbox.name}.json`);
    writeFileSync(file, planned.stdout);
    expect(await call("restart", "--plan", file, "--yes")).toMatchObject({ status: 0 });
    expect(await answersOf(call, sandbox)).toEqual(allOf(0, `current on-target ${mirrored(NEW)}`));
    await remove();
  });

  test("without permission to create pods the workloads are unknown, and nothing restarts", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    await cluster.moveImage(REVISION, OLD);
    const sandbox = await enter({ "istio.io/rev": REVISION });
    const remove = await mirrorImages(cluster, sandbox);
    await createWorkloads(sandbox);
    const call = await caller(cluster, sandbox, false);
    expect(await answersOf(call, sandbox)).toEqual(allOf(6, "unknown image-rewritten"));
    // New pods would get an image of the mirror, which is not the predicted one.
    await cluster.moveImage(REVISION, NEW);
    expect(await answersOf(call, sandbox)).toEqual(allOf(6, "unknown image-rewritten"));
    const { metadata } = await sandbox.get("deployments", "web");
    expect(metadata.generation).toBe(1);
    await remove();
  });
});

describe("a ConfigMap that istiod has not loaded", () => {
  const REVISION = "asm-1-42";
  const [OLD, NEW] = [proxyImage("v1.42.1-1"), proxyImage("v1.42.2-1")];
  const path = `/api/v1/namespaces/${ISTIO}/configmaps/istio-sidecar-injector-${REVISION}`;

  /** Moves the image, in a ConfigMap with a template that istiod cannot parse. */
  async function moveInBrokenConfig(cluster: TestCluster, sandbox: Sandbox): Promise<void> {
    const { body } = await cluster.request("GET", path);
    const config = body.data.config.replace(/^templates:$/m, 'templates:\n  broken: "{{ if "');
    const values = body.data.values.replaceAll(OLD, NEW);
    expect(config).not.toBe(body.data.config);
    const sent = {
      contentType: "application/merge-patch+json",
      body: { data: { config, values } },
    };
    expect(await cluster.request("PATCH", path, sent)).toMatchObject({ status: 200 });
    // Istiod reports the error, and injects what it had.
    await sleep(2000);
    await sandbox.create("deployments", deployment("late"));
    await eventually(async () => expect(await sandbox.pods()).toHaveLength(4));
    await untilReady(sandbox, 4);
  }

  test("all commands name it, and nothing restarts", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: OLD });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await createWorkloads(sandbox);
    await moveInBrokenConfig(cluster, sandbox);
    const call = await caller(cluster, sandbox, true);
    const found = `outdated config-not-loaded ${NEW}`;
    expect(await answersOf(call, sandbox)).toEqual({
      ...allOf(5, found),
      "restart --dry-run": [0, found],
    });
    // Without dry runs, the pods that are newer than the ConfigMap show it.
    const blind = await caller(cluster, sandbox, false);
    const check = await blind("check", "-n", sandbox.name, "-o", "json");
    expect(parseReport("CheckReport", check.stdout).workloads).toMatchObject([
      { name: "late", verdict: "unknown", code: "nothing-newer" },
      { name: "web", verdict: "outdated", code: "image-differs" },
      { name: "db", verdict: "outdated", code: "image-differs" },
    ]);
  });
});

describe("a ProxyConfig that changes a composed image", () => {
  const REVISION = "asm-1-43";
  const CRD = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const PLAIN = "registry.example.com/istio/proxyv2:1.43.0";

  /** Lets the revision compose its image, as Istio's own charts do. */
  async function composeImage(cluster: TestCluster): Promise<void> {
    const path = `/api/v1/namespaces/${ISTIO}/configmaps/istio-sidecar-injector-${REVISION}`;
    const { body } = await cluster.request("GET", path);
    const values = JSON.parse(body.data.values);
    values.global.hub = "registry.example.com/istio";
    values.global.tag = "1.43.0";
    values.global.proxy.image = "proxyv2";
    const sent = {
      contentType: "application/merge-patch+json",
      body: { data: { values: JSON.stringify(values) } },
    };
    expect(await cluster.request("PATCH", path, sent)).toMatchObject({ status: 200 });
  }

  async function installProxyConfigs(cluster: TestCluster): Promise<void> {
    const schema = {
      openAPIV3Schema: {
        type: "object",
        properties: {
          spec: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        },
      },
    };
    const body = {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "proxyconfigs.networking.istio.io" },
      spec: {
        group: "networking.istio.io",
        names: { kind: "ProxyConfig", listKind: "ProxyConfigList", plural: "proxyconfigs" },
        scope: "Namespaced",
        versions: [{ name: "v1beta1", served: true, storage: true, schema }],
      },
    };
    const { status } = await cluster.request("POST", CRD, { body });
    expect([201, 409]).toContain(status);
    await eventually(async () => {
      const list = await cluster.request("GET", "/apis/networking.istio.io/v1beta1/proxyconfigs");
      expect(list.status).toBe(200);
    });
  }

  test("all commands count what a dry run gives", async ({ cluster, enter }) => {
    await installProxyConfigs(cluster);
    await cluster.installRevision({ name: REVISION, image: proxyImage("v1.43.0") });
    await composeImage(cluster);
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await eventually(async () => {
      const probe = pod("probe");
      const path = `${sandbox.path("pods")}?dryRun=All`;
      expect(JSON.stringify(await cluster.request("POST", path, { body: probe }))).toContain(PLAIN);
    });
    await createWorkloads(sandbox);
    const call = await caller(cluster, sandbox, true);
    const blind = await caller(cluster, sandbox, false);
    expect(await answersOf(blind, sandbox)).toEqual(allOf(0, `current on-target ${PLAIN}`));
    const path = `/apis/networking.istio.io/v1beta1/namespaces/${sandbox.name}/proxyconfigs`;
    const body = {
      apiVersion: "networking.istio.io/v1beta1",
      kind: "ProxyConfig",
      metadata: { name: "debug" },
      spec: { image: { imageType: "debug" } },
    };
    expect(await cluster.request("POST", path, { body })).toMatchObject({ status: 201 });
    const scope = ["-n", sandbox.name, "-o", "json"];
    await eventually(async () => {
      const check = await call("check", ...scope);
      const outdated = `outdated image-differs ${PLAIN}-debug`;
      expect([check.status, ...verdictsOf("CheckReport", check.stdout)]).toEqual([2, outdated]);
    });
    expect(await answersOf(blind, sandbox)).toEqual(allOf(6, "unknown proxy-config"));
    const restart = await call("restart", "--yes", "--allow-downtime", ...scope);
    expect(restart.status).toBe(0);
    expect(await answersOf(call, sandbox)).toEqual(allOf(0, `current on-target ${PLAIN}-debug`));
  });
});
