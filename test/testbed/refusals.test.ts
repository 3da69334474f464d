import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect } from "vitest";
import { eventually, type Sandbox, test } from "../contract/sandbox.ts";
import { proxyImage } from "../support/build/pod-group.ts";
import { deployment } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import { auditedWrites } from "./audit.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const REVISION = "asm-1-27";
const [OLD, NEW] = [proxyImage("v1.27.7-1"), proxyImage("v1.27.9-6")];

/** Cases in which a restart would lose sidecars or pods. */
describe("restart with a real injector", () => {
  let cluster: RealCluster;
  beforeAll(async () => {
    cluster = openRealCluster();
    await cluster.installRevision({ name: REVISION, image: OLD });
  });
  afterAll(() => cluster.stop());

  /** Creates a namespace with one outdated workload. */
  async function createOutdated(
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

  /**
   * Executes the next step of the report, except for its restart. On a shared cluster, revisions of
   * other tests are installed, and the step names a command for each revision that may be meant.
   */
  async function execute(step: string): Promise<void> {
    const choice = step.split(/(?:^|; )for (?=asm-)/).find((one) => one.startsWith(REVISION));
    const command = choice?.replace(/^\S+(?: \([^)]*\))?: /, "") ?? step;
    const [program, ...args] = (command.split(" && ")[0] ?? "").split(" ");
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
    ["no label on the namespace", "no-label", { "istio.io/rev": null }],
  ] as const;

  test.for(WOULD_LOSE)(
    "leaves a workload alone that would lose its sidecar by %s, until the next step fixes that",
    async ([, code, labels], { enter }) => {
      const sandbox = await createOutdated(enter);
      await sandbox.relabel(labels);
      const left = await restart(sandbox);
      expect(left.status).toBe(5);
      expect(left.entry).toMatchObject({ verdict: "would-lose", code, restart: "no" });
      expect(await auditedWrites(cluster, sandbox.name)).toEqual([]);

      await execute(left.entry?.nextStep ?? "");
      expect(await restart(sandbox)).toMatchObject({ status: 0, result: { outcome: "restarted" } });
    },
  );

  test("leaves a workload alone that would lose its sidecar because its tag is gone", async ({
    enter,
  }) => {
    await cluster.setTag("canary", REVISION);
    const sandbox = await createOutdated(enter, { "istio.io/rev": "canary" });
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

  /** Points the revision's webhooks to a Service and sets their failure policy. */
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
    "finds a missing injector with failurePolicy %s: the workload is %s",
    async ([policy, verdict, code], { enter }) => {
      const sandbox = await createOutdated(enter);
      await pointWebhooks("istiod-gone", policy);
      try {
        const left = await restart(sandbox);
        expect(left).toMatchObject({ status: 5, entry: { verdict, code, restart: "no" } });
        expect(await auditedWrites(cluster, sandbox.name)).toEqual([]);
      } finally {
        await pointWebhooks(`istiod-${REVISION}`, "Fail");
      }
      expect(await restart(sandbox)).toMatchObject({ status: 0, result: { outcome: "restarted" } });
    },
  );

  test("finds by a dry run that an injector with ready endpoints is unreachable", async ({
    enter,
  }) => {
    const sandbox = await createOutdated(enter);
    await cluster.breakRevision(REVISION);
    try {
      const left = await restart(sandbox);
      // A dry run for the outdated target shows it before the plan is made.
      expect(left.report.results).toEqual([]);
      const entry = { verdict: "blocked", code: "pod-refused", proof: "proved" };
      expect(left).toMatchObject({ status: 5, entry });
      expect(left.entry?.reason).toContain("failed calling webhook");
      expect(await auditedWrites(cluster, sandbox.name)).toEqual([]);
    } finally {
      await cluster.restoreRevision(REVISION);
    }
    expect(await restart(sandbox)).toMatchObject({ status: 0, result: { outcome: "restarted" } });
  });

  test("finds by a dry run that PodSecurity would reject the pods", async ({ enter }) => {
    const sandbox = await createOutdated(enter);
    await sandbox.relabel({ "pod-security.kubernetes.io/enforce": "restricted" });
    const left = await restart(sandbox);
    // The enforced level leads to a dry run before the plan is made.
    expect(left.report.results).toEqual([]);
    const entry = { verdict: "blocked", code: "pod-security", proof: "proved" };
    expect(left).toMatchObject({ status: 5, entry });
    expect(await auditedWrites(cluster, sandbox.name)).toEqual([]);
    const args = ["check", "-n", sandbox.name, "--prove=always", "--json"];
    const check = await runProgram(args, { KUBECONFIG: cluster.kubeconfig });
    expect(parseReport("CheckReport", check.stdout).workloads).toMatchObject([
      { verdict: "blocked", code: "pod-security", proof: "proved" },
    ]);
    expect(check.status).toBe(5);
  });

  test("reassesses planned workloads, and skips a workload whose namespace label has changed", async ({
    enter,
  }) => {
    const sandbox = await createOutdated(enter);
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
    // The first rollout already has its first pod, so the change affects only the second.
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
