import { describe, expect } from "vitest";
import { daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { grantsOf, rulesOf } from "../support/rbac.ts";
import { parseReport } from "../support/report-schema.ts";
import { runProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { rejectPods } from "./rejecting-webhook.ts";
import { limitPods } from "./pod-quota.ts";
import { eventually, type Sandbox, test, untilReady } from "./sandbox.ts";

const REVISION = "asm-1-71";
const image = (version: string) => `mcr.microsoft.com/oss/v2/istio/proxyv2:${version}`;

async function patchLabels(
  cluster: TestCluster,
  path: string,
  labels: Readonly<Record<string, string | null>>,
): Promise<void> {
  const contentType = "application/merge-patch+json";
  const answer = await cluster.request("PATCH", path, {
    body: { metadata: { labels } },
    contentType,
  });
  expect(answer.status).toBe(200);
}

async function conditions(sandbox: Sandbox, name: string) {
  return (await sandbox.get("deployments", name)).status.conditions ?? [];
}

describe("pods that cannot be created", () => {
  test("are a condition of a Deployment, but only events of other kinds", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await enter();
    await sandbox.create("deployments", deployment("web", { replicas: 2 }));
    await sandbox.create("statefulsets", statefulSet("db", { replicas: 2 }));
    const agent = await sandbox.create("daemonsets", daemonSet("agent"));
    let nodes = 0;
    await eventually(async () => {
      nodes = (await sandbox.get("daemonsets", "agent")).status.desiredNumberScheduled;
      expect(nodes).toBeGreaterThan(0);
    });
    await untilReady(sandbox, 4 + nodes);
    const mend = await rejectPods(cluster, sandbox);
    for (const [resource, name] of [
      ["deployments", "web"],
      ["statefulsets", "db"],
      ["daemonsets", "agent"],
    ] as const) {
      await sandbox.restart(resource, name, "2026-01-02T03:04:05Z");
    }
    const words = `failed calling webhook "policy.example.com": failed to call webhook: Post "https://gone.${sandbox.name}.svc:443/check?timeout=10s": service "gone" not found`;
    await eventually(async () =>
      expect(await conditions(sandbox, "web")).toContainEqual(
        expect.objectContaining({
          type: "ReplicaFailure",
          status: "True",
          reason: "FailedCreate",
          message: expect.stringContaining(words),
        }),
      ),
    );
    for (const [resource, name, message] of [
      ["statefulsets", "db", /^Create Pod db-1 in StatefulSet db failed error: Internal error/],
      ["daemonsets", "agent", /^Error creating: Internal error occurred: /],
    ] as const) {
      const { metadata, status } = await sandbox.get(resource, name);
      const path = `${sandbox.path("events")}?fieldSelector=involvedObject.uid=${metadata.uid},reason=FailedCreate`;
      await eventually(async () => {
        const { body } = await cluster.request("GET", path);
        expect(body.items[0]).toMatchObject({
          involvedObject: { kind: metadata.name === "db" ? "StatefulSet" : "DaemonSet", name },
          reason: "FailedCreate",
          type: "Warning",
          message: expect.stringMatching(message),
        });
        expect(body.items[0].message).toContain(words);
      });
      expect(JSON.stringify(status.conditions ?? [])).not.toContain("FailedCreate");
    }
    expect(agent.metadata.name).toBe("agent");
    await mend();
    await eventually(async () =>
      expect(JSON.stringify(await conditions(sandbox, "web"))).not.toContain("FailedCreate"),
    );
  });
});

test("a workload whose pods were never created is blocked, with the API server's reason", async ({
  cluster,
  enter,
}) => {
  await cluster.installRevision({ name: REVISION, image: image("v1.71.0-1") });
  const sandbox = await enter({ "istio.io/rev": REVISION });
  const mend = await rejectPods(cluster, sandbox);
  await sandbox.create("deployments", deployment("web", { replicas: 2 }));
  await sandbox.create("statefulsets", statefulSet("db"));
  const check = async (kubeconfig: string) => {
    const args = ["check", "-n", sandbox.name, "--prove=never", "--json"];
    const ran = await runProgram(args, { KUBECONFIG: kubeconfig });
    const { workloads } = parseReport("CheckReport", ran.stdout);
    return workloads.map(({ kind, verdict, code, reason }) => ({ kind, verdict, code, reason }));
  };
  const refused = expect.stringMatching(
    /^its pods are rejected: .*failed calling webhook "policy.example.com"/,
  );
  await eventually(async () =>
    expect(await check(cluster.kubeconfig)).toEqual([
      { kind: "Deployment", verdict: "blocked", code: "pod-refused", reason: refused },
      { kind: "StatefulSet", verdict: "blocked", code: "pod-refused", reason: refused },
    ]),
  );
  // A StatefulSet has only events about refused pods: without them the reason is unknown.
  const grants = grantsOf("read-only").filter(({ resource }) => resource !== "events");
  const eventless = await cluster.userKubeconfig("eventless", rulesOf(grants));
  expect(await check(eventless)).toMatchObject([
    { kind: "Deployment", verdict: "blocked" },
    { kind: "StatefulSet", verdict: "unknown", code: "no-pods" },
  ]);
  await mend();
});

describe("a restart whose new pods cannot run", () => {
  test("fails within seconds, with the API server's reason", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: image("v1.71.0-1") });
    const labels = { "istio.io/rev": REVISION };
    const [full, refused, restricted, crowded] = await Promise.all([
      enter(labels),
      enter(labels),
      enter(labels),
      enter(labels),
    ]);
    const { body: nodes } = await cluster.request("GET", "/api/v1/nodes");
    const node = `/api/v1/nodes/${nodes.items[0].metadata.name}`;
    await patchLabels(cluster, node, { "test.istio-upgrade/pool": crowded.name });

    await full.create("deployments", deployment("full"));
    await refused.create("deployments", deployment("refused", { replicas: 2 }));
    await refused.create("statefulsets", statefulSet("db", { replicas: 2 }));
    await restricted.create("deployments", deployment("restricted", { replicas: 2 }));
    const nodeSelector = { "test.istio-upgrade/pool": crowded.name };
    await crowded.create("deployments", deployment("crowded", { podSpec: { nodeSelector } }));
    await untilReady(full, 1);
    await untilReady(refused, 4);
    await untilReady(restricted, 2);
    await untilReady(crowded, 1);

    await limitPods(cluster, full, 1);
    await restricted.relabel({ "pod-security.kubernetes.io/enforce": "restricted" });
    await patchLabels(cluster, node, { "test.istio-upgrade/pool": null });
    await cluster.moveImage(REVISION, image("v1.71.2-1"));
    const mend = await rejectPods(cluster, refused);

    const scope = [full, refused, restricted, crowded].map(({ name }) => name).join(",");
    const ran = await runProgram(
      [
        "restart",
        "--yes",
        "--json",
        `--namespace=${scope}`,
        "--prove=never",
        "--max-parallel=8",
        "--max-failures=9",
      ],
      { KUBECONFIG: cluster.kubeconfig },
    );
    await mend();
    const { results, workloads } = parseReport("RestartReport", ran.stdout);
    // A sidecar that PodSecurity rejects is predicted, and its workload is left alone.
    expect(workloads.find(({ name }) => name === "restricted")).toMatchObject({
      verdict: "blocked",
      code: "pod-security",
      restart: "no",
    });
    const said = Object.fromEntries(
      results.map(({ name, outcome, code, message, nextStep }) => [
        name,
        { outcome, code, message, nextStep },
      ]),
    );
    const failed = (code: string, message: RegExp, nextStep: RegExp | string) => ({
      outcome: "failed",
      code,
      message: expect.stringMatching(message),
      nextStep: expect.stringMatching(nextStep),
    });
    expect(said).toEqual({
      full: failed(
        "quota",
        /exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1; 1 old pod still serves$/,
        `kubectl describe quota -n ${full.name}`,
      ),
      refused: failed(
        "webhook-failed",
        /^new pods cannot be created: Internal error.*service "gone" not found; 2 old pods still serve$/,
        "kubectl get mutatingwebhookconfigurations",
      ),
      db: failed(
        "webhook-failed",
        /^new pods cannot be created: Internal error.*service "gone" not found; 1 old pod still serves$/,
        "kubectl get mutatingwebhookconfigurations",
      ),
      crowded: failed(
        "unschedulable",
        /^the new pod crowded-\S+ cannot be scheduled: 0\/\d nodes are available: .*; 1 old pod still serves$/,
        `kubectl describe pod crowded-\\S+ -n ${crowded.name}`,
      ),
    });
    expect(ran.status).toBe(3);
    // The hindrance is reported long before it counts as a failure.
    for (const { name, startedAt } of results) {
      const line = ran.stderr
        .split("\n")
        .find(
          (one) => one.includes(`/${name}: `) && /cannot be created|cannot be scheduled/.test(one),
        );
      const seconds = (Date.parse(line?.slice(0, 20) ?? "") - Date.parse(startedAt ?? "")) / 1000;
      expect([name, seconds < 8]).toEqual([name, true]);
    }
  });

  test("fails later without the permission to list events, and the report explains it", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: REVISION, image: image("v1.71.2-1") });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    await sandbox.create("statefulsets", statefulSet("db", { replicas: 2 }));
    await untilReady(sandbox, 2);
    await cluster.moveImage(REVISION, image("v1.71.4-1"));
    const mend = await rejectPods(cluster, sandbox);
    const grants = grantsOf("restart-cluster").filter(({ resource }) => resource !== "events");
    const rules = rulesOf(grants);
    const kubeconfig = await cluster.userKubeconfig("eventless", rules);
    const ran = await runProgram(
      ["restart", "-n", sandbox.name, "--yes", "--json", "--prove", "never", "--timeout", "4s"],
      { KUBECONFIG: kubeconfig },
    );
    await mend();
    const report = parseReport("RestartReport", ran.stdout);
    expect(report.results).toMatchObject([
      { name: "db", outcome: "timed-out", code: "no-progress" },
    ]);
    expect(report.notes).toEqual([
      `not allowed to list events in ${sandbox.name}: pods that cannot be created or scheduled are noticed later`,
    ]);
    expect(report.gaps).toEqual([]);
  });
});
