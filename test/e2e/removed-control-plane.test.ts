import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startEmbeddedCluster } from "../support/embedded/cluster.ts";
import { deployment, namespace } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import type { Answer, TestCluster } from "../support/test-cluster.ts";

const REVISION = "asm-1-27";
const ISTIO = "/api/v1/namespaces/aks-istio-system";
const APPS = "/apis/apps/v1/namespaces";

/**
 * The state after `az aks mesh disable`, or after `az aks mesh upgrade complete` came too early.
 */
describe("without a control plane", () => {
  let cluster: TestCluster;
  let left: Answer["body"];

  const run = (...args: readonly string[]) => runProgram(args, { KUBECONFIG: cluster.kubeconfig });

  async function send(method: string, path: string, body?: unknown): Promise<void> {
    const contentType = method === "PATCH" ? "application/merge-patch+json" : undefined;
    const options = { body, ...(contentType && { contentType }) };
    expect((await cluster.request(method, path, options)).status).toBeLessThan(300);
  }

  beforeAll(async () => {
    cluster = await startEmbeddedCluster();
    await cluster.installRevision({ name: REVISION, image: "mcr.microsoft.com/proxyv2:v1.27.7-1" });
    await send("POST", "/api/v1/namespaces", namespace("shop", { "istio.io/rev": REVISION }));
    await send("POST", "/api/v1/namespaces", namespace("plain"));
    await send("POST", `${APPS}/shop/deployments`, deployment("web"));
    await send("POST", `${APPS}/plain/deployments`, deployment("batch"));
    await vi.waitFor(async () => {
      const { body } = await cluster.request("GET", "/api/v1/namespaces/shop/pods");
      expect(body.items).toHaveLength(1);
    });
    const webhooks = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
    const injector = `${webhooks}/istio-sidecar-injector-${REVISION}-aks-istio-system`;
    left = (await cluster.request("GET", injector)).body;
    await send("DELETE", `${webhooks}/istio-sidecar-injector-${REVISION}-aks-istio-system`);
    await send("DELETE", `${APPS}/aks-istio-system/deployments/istiod-${REVISION}`);
    await send("DELETE", `${ISTIO}/services/istiod-${REVISION}`);
    await send("DELETE", `${ISTIO}/configmaps/istio-sidecar-injector-${REVISION}`);
  });
  afterAll(() => cluster.stop());

  test("check reports the sidecars that a restart would lose", async () => {
    const ran = await run("check", "--json");
    const report = parseReport("CheckReport", ran.stdout);
    expect(report).toMatchObject({
      complete: true,
      targets: [],
      workloads: [
        {
          namespace: "shop",
          name: "web",
          verdict: "would-lose",
          code: "revision-gone",
          nextStep: "no revision is installed: install a revision first",
        },
      ],
      exitReasons: ["would-lose:1"],
    });
    expect(ran.status).toBe(5);
    expect((await run("check")).stdout).toContain("shop");
    expect((await run("explain", "deploy/web", "-n", "shop")).status).toBe(5);
  });

  test("restart leaves these workloads alone", async () => {
    const ran = await run("restart", "-n", "shop", "--yes", "--json");
    expect(ran.status).toBe(5);
    expect(parseReport("RestartReport", ran.stdout)).toMatchObject({ steps: [], results: [] });
  });

  test("check ends with an error if no pod has a sidecar", async () => {
    const { host } = new URL(
      /https:\/\/[\d.:]+/.exec((await run("check", "--json")).stdout)?.[0] ?? "",
    );
    expect(await run("check", "-n", "plain")).toEqual({
      status: 1,
      stdout: "",
      stderr:
        `error: no ConfigMap istio-sidecar-injector* in the namespace "aks-istio-system" of ${host}\n` +
        "does this cluster use the AKS Istio add-on? For another Istio, name its namespace: istio-upgrade check --istio-namespace istio-system\n" +
        "RESULT exit=1 cluster=test error=not-found\n",
    });
  });

  test("check reports pods as blocked if leftover webhooks still select them", async () => {
    const webhooks = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";
    const name = `istio-sidecar-injector-${REVISION}-aks-istio-system`;
    await send("POST", webhooks, { ...left, metadata: { name, labels: left.metadata.labels } });
    await send("PATCH", "/api/v1/namespaces/plain", {
      metadata: { labels: { "istio.io/rev": REVISION } },
    });
    const ran = await run("check", "-n", "plain", "--json");
    expect(parseReport("CheckReport", ran.stdout).workloads).toMatchObject([
      { name: "batch", verdict: "blocked", code: "webhook-dead" },
    ]);
    expect(ran.status).toBe(5);
    await send("DELETE", `${webhooks}/${name}`);
  });

  test("the hint differs if the control plane is only in another namespace", async () => {
    await cluster.installRevision({ name: REVISION, image: "mcr.microsoft.com/proxyv2:v1.27.9-6" });
    const ran = await run("check", "-i", "istio-system");
    expect(ran).toMatchObject({ status: 1, stdout: "" });
    expect(ran.stderr).toContain(
      "\nthe injector of this cluster is in another namespace: istio-upgrade check --istio-namespace aks-istio-system\n",
    );
  });
});
