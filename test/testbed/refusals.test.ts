import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { eventually, type Sandbox, test } from "../contract/sandbox.ts";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import { auditedWrites } from "./audit.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const image = (version: string) => `mcr.microsoft.com/oss/v2/istio/proxyv2:${version}`;
const REVISION = "asm-1-27";
const [OLD, NEW] = [image("v1.27.7-1"), image("v1.27.9-6")];

/** Worlds in which a restart would cost pods their sidecar, or their life. */
describe("a real injector", () => {
  let cluster: RealCluster;
  beforeAll(async () => {
    cluster = openRealCluster();
    await cluster.installRevision({ name: REVISION, image: OLD });
  });
  afterAll(() => cluster.stop());

  /** A namespace with one injected workload that lags. */
  async function lagging(
    enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
    labels: Readonly<Record<string, string>> = { "istio.io/rev": REVISION },
  ): Promise<Sandbox> {
    await cluster.moveImage(REVISION, OLD);
    const sandbox = await enter(labels);
    await sandbox.create("deployments", deployment("web"));
    await eventually(async () => {
      expect((await sandbox.get("deployments", "web")).status.availableReplicas).toBe(1);
    });
    await cluster.moveImage(REVISION, NEW);
    return sandbox;
  }

  async function restart(sandbox: Sandbox, ...flags: string[]) {
    const args = ["restart", "-n", sandbox.name, "--yes", "--json", ...flags];
    const ran = await runProgram(args, { KUBECONFIG: cluster.kubeconfig });
    const report = parseReport("RestartReport", ran.stdout);
    return { status: ran.status, report, entry: report.workloads[0], result: report.results[0] };
  }

  /** Types what the report says to type. */
  async function mend(command: string): Promise<void> {
    const [program, ...args] = command.split(" ");
    expect(program).toBe("kubectl");
    const env = { ...process.env, KUBECONFIG: cluster.kubeconfig };
    await promisify(execFile)(cluster.programs.kubectl, args, { env });
  }

  const WOULD_LOSE = [
    [
      "a namespace label that names a removed revision",
      "revision-gone",
      { "istio.io/rev": "asm-1-20" },
    ],
    ["both labels on the namespace", "both-labels", { "istio-injection": "enabled" }],
    [
      "injection enabled without a default revision",
      "no-default-revision",
      { "istio.io/rev": null, "istio-injection": "enabled" },
    ],
    [
      "injection disabled on the namespace",
      "injection-disabled",
      { "istio.io/rev": null, "istio-injection": "disabled" },
    ],
    ["no label any more", "no-label", { "istio.io/rev": null }],
  ] as const;

  test.for(WOULD_LOSE)(
    "would drop the sidecar with %s: refused, mended as told, restarted",
    async ([, code, labels], { enter }) => {
      const sandbox = await lagging(enter);
      await sandbox.relabel(labels);
      const refused = await restart(sandbox);
      expect(refused.status).toBe(5);
      expect(refused.entry).toMatchObject({ verdict: "would-lose", code, restart: "no" });
      expect(await auditedWrites(cluster, sandbox.name)).toEqual([]);

      // Other tests' revisions may be newer; any that is installed brings the workload back.
      await mend(refused.entry?.nextStep ?? "");
      expect(await restart(sandbox)).toMatchObject({ status: 0, result: { outcome: "restarted" } });
    },
  );

  test("would drop the sidecar with a tag that is gone", async ({ enter }) => {
    await cluster.setTag("canary", REVISION);
    const sandbox = await lagging(enter, { "istio.io/rev": "canary" });
    await cluster.removeTag("canary");
    expect(await restart(sandbox)).toMatchObject({
      status: 5,
      entry: { verdict: "would-lose", code: "revision-gone" },
    });
    await cluster.setTag("canary", REVISION);
    expect(await restart(sandbox)).toMatchObject({ status: 0, result: { outcome: "restarted" } });
    await cluster.removeTag("canary");
  });

  const CONFIGURATION = `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/istio-sidecar-injector-${REVISION}-aks-istio-system`;

  /** Points the revision's webhooks at a Service, with a failure policy. */
  async function pointWebhooks(service: string, failurePolicy: "Fail" | "Ignore") {
    const { body } = await cluster.request("GET", CONFIGURATION);
    for (const webhook of body.webhooks) {
      webhook.clientConfig.service.name = service;
      webhook.failurePolicy = failurePolicy;
    }
    expect((await cluster.request("PUT", CONFIGURATION, { body })).status).toBe(200);
  }

  test.for([
    ["Fail", "blocked", "webhook-dead"],
    ["Ignore", "would-lose", "webhook-dead-ignored"],
  ] as const)(
    "that is gone, with failurePolicy %s, makes a restart %s",
    async ([policy, verdict, code], { enter }) => {
      const sandbox = await lagging(enter);
      await pointWebhooks("istiod-gone", policy);
      try {
        const refused = await restart(sandbox);
        expect(refused).toMatchObject({ status: 5, entry: { verdict, code, restart: "no" } });
        expect(await auditedWrites(cluster, sandbox.name)).toEqual([]);
      } finally {
        await pointWebhooks(`istiod-${REVISION}`, "Fail");
      }
      expect(await restart(sandbox)).toMatchObject({ status: 0, result: { outcome: "restarted" } });
    },
  );

  test("that cannot be reached although its endpoints are ready is found by the proof", async ({
    enter,
  }) => {
    const sandbox = await lagging(enter);
    await cluster.breakRevision(REVISION);
    try {
      const refused = await restart(sandbox);
      expect(refused.result).toMatchObject({ outcome: "skipped", code: "pod-refused" });
      expect(refused.result?.message).toContain("failed calling webhook");
      expect(refused).toMatchObject({ status: 5, entry: { verdict: "blocked", proof: "proved" } });
      expect(await auditedWrites(cluster, sandbox.name)).toEqual([]);
    } finally {
      await cluster.mendRevision(REVISION);
    }
    expect(await restart(sandbox)).toMatchObject({ status: 0, result: { outcome: "restarted" } });
  });

  test("whose pods PodSecurity would refuse is found by the proof", async ({ enter }) => {
    const sandbox = await lagging(enter);
    await sandbox.relabel({ "pod-security.kubernetes.io/enforce": "restricted" });
    const refused = await restart(sandbox);
    // The level is a reason to ask before anything is planned.
    expect(refused.report.results).toEqual([]);
    const entry = { verdict: "blocked", code: "pod-security", proof: "proved" };
    expect(refused).toMatchObject({ status: 5, entry });
    expect(await auditedWrites(cluster, sandbox.name)).toEqual([]);
    const args = ["check", "-n", sandbox.name, "--prove=always", "--json"];
    const check = await runProgram(args, { KUBECONFIG: cluster.kubeconfig });
    expect(parseReport("CheckReport", check.stdout).workloads).toMatchObject([
      { verdict: "blocked", code: "pod-security", proof: "proved" },
    ]);
    expect(check.status).toBe(5);
  });

  test("judges anew what was planned: a label that moved meanwhile leaves it alone", async ({
    enter,
  }) => {
    const sandbox = await lagging(enter);
    const slow = { annotations: { "test.istio-upgrade/ready-after": "4s" } };
    await cluster.moveImage(REVISION, OLD);
    await sandbox.create("deployments", deployment("a-slow", slow));
    await eventually(async () => {
      expect((await sandbox.get("deployments", "a-slow")).status.availableReplicas).toBe(1);
    });
    await cluster.moveImage(REVISION, NEW);
    const running = restart(sandbox, "--max-parallel", "1");
    await eventually(async () => {
      expect(await auditedWrites(cluster, sandbox.name)).toHaveLength(1);
    });
    // The first pod of the first rollout is there already: only the second is to be hit.
    await eventually(async () => expect(await sandbox.pods()).toHaveLength(3));
    await sandbox.relabel({ "istio.io/rev": "asm-1-20" });
    const { status, report } = await running;
    expect(report.results).toMatchObject([
      { name: "a-slow", outcome: "restarted" },
      { name: "web", outcome: "skipped", code: "revision-gone" },
    ]);
    expect(status).toBe(5);
    expect(await auditedWrites(cluster, sandbox.name)).toHaveLength(1);
  });
});
