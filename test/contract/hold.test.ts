import { describe, expect } from "vitest";
import { deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { type RunningProgram, startProgram } from "../support/run-program.ts";
import type { TestCluster } from "../support/test-cluster.ts";
import { eventually, RESTARTED_AT, type Sandbox, test, untilReady } from "./sandbox.ts";

const REVISION = "asm-1-60";
const image = (version: string) => `mcr.microsoft.com/oss/v2/istio/proxyv2:${version}`;
const ISTIOD = `/apis/apps/v1/namespaces/aks-istio-system/deployments/istiod-${REVISION}`;

describe("while the control plane is rolling", () => {
  /**
   * Creates outdated workloads, and restarts the control plane, whose new pod takes a number of
   * seconds to be ready.
   */
  async function rollingControlPlane(
    cluster: TestCluster,
    enter: (labels: Readonly<Record<string, string>>) => Promise<Sandbox>,
    names: readonly string[],
    seconds: number,
  ): Promise<Sandbox> {
    await cluster.installRevision({ name: REVISION, image: image("v1.60.1-1") });
    await cluster.moveImage(REVISION, image("v1.60.1-1"));
    const sandbox = await enter({ "istio.io/rev": REVISION });
    for (const name of names) await sandbox.create("deployments", deployment(name));
    await untilReady(sandbox, names.length);
    await cluster.moveImage(REVISION, image("v1.60.2-1"));
    const annotations = {
      "test.istio-upgrade/ready-after": `${seconds}s`,
      [RESTARTED_AT]: new Date().toISOString(),
    };
    const body = { spec: { template: { metadata: { annotations } } } };
    const contentType = "application/strategic-merge-patch+json";
    expect((await cluster.request("PATCH", ISTIOD, { body, contentType })).status).toBe(200);
    return sandbox;
  }

  async function untilControlPlane(cluster: TestCluster): Promise<void> {
    await eventually(async () => {
      const { metadata, status } = (await cluster.request("GET", ISTIOD)).body;
      const { updatedReplicas, replicas, availableReplicas, observedGeneration } = status;
      expect([observedGeneration, updatedReplicas, replicas, availableReplicas]).toEqual([
        metadata.generation,
        1,
        1,
        1,
      ]);
    });
  }

  const begin = (
    cluster: TestCluster,
    sandbox: Sandbox,
    ...args: readonly string[]
  ): RunningProgram =>
    startProgram(["restart", "-n", sandbox.name, "--yes", "--json", ...args], {
      KUBECONFIG: cluster.kubeconfig,
    });

  const held = (name: string) =>
    `deploy/${name}: waiting, the control plane istiod-${REVISION} is not ready`;

  const linesWith = (text: string, what: string) =>
    text.split("\n").filter((line) => line.includes(what));

  async function restartedAt(sandbox: Sandbox, names: readonly string[]) {
    const times = names.map(async (name) => {
      const { spec } = await sandbox.get("deployments", name);
      return Date.parse(spec.template.metadata.annotations?.[RESTARTED_AT]) / 1000;
    });
    return Promise.all(times);
  }

  test("nothing starts, each wait is reported once, and the pause applies afterwards", async ({
    cluster,
    enter,
  }) => {
    const sandbox = await rollingControlPlane(cluster, enter, ["a", "b"], 5);
    const running = begin(cluster, sandbox, "--pause", "2s");
    await eventually(async () => {
      expect(running.stderr()).toContain(held("a"));
      expect(running.stderr()).toContain(held("b"));
    });
    expect(await restartedAt(sandbox, ["a", "b"])).toEqual([NaN, NaN]);
    const ran = await running.done;
    expect(linesWith(ran.stderr, held("a"))).toHaveLength(1);
    expect(parseReport("RestartReport", ran.stdout).results).toMatchObject([
      { name: "a", outcome: "restarted" },
      { name: "b", outcome: "restarted" },
    ]);
    expect(ran.status).toBe(0);
    const [first = 0, second = 0] = (await restartedAt(sandbox, ["a", "b"])).toSorted();
    // The time of a restart is in whole seconds.
    expect(second - first).toBeGreaterThanOrEqual(1);
    await untilControlPlane(cluster);
  });

  test.for([
    ["an interrupt", "interrupted", 130, []],
    ["the deadline", "deadline", 4, ["--deadline", "4s"]],
  ] as const)("%s ends the wait", async ([, code, status, args], { cluster, enter }) => {
    const sandbox = await rollingControlPlane(cluster, enter, ["a", "b"], 8);
    const running = begin(cluster, sandbox, ...args);
    await eventually(async () => expect(running.stderr()).toContain(held("b")));
    const asked = Date.now();
    if (code === "interrupted") running.signal("SIGINT");
    const ran = await running.done;
    expect(Date.now() - asked).toBeLessThan(7000);
    expect(parseReport("RestartReport", ran.stdout).results).toMatchObject([
      { name: "a", outcome: "not-started", code },
      { name: "b", outcome: "not-started", code },
    ]);
    expect(ran.status).toBe(status);
    await untilControlPlane(cluster);
    expect(await restartedAt(sandbox, ["a", "b"])).toEqual([NaN, NaN]);
  });

  test("the wait ends after --timeout without progress", async ({ cluster, enter }) => {
    const sandbox = await rollingControlPlane(cluster, enter, ["a"], 8);
    const ran = await begin(cluster, sandbox, "--timeout", "2s").done;
    expect(parseReport("RestartReport", ran.stdout).results).toMatchObject([
      {
        outcome: "timed-out",
        code: "still-waiting",
        message: `no progress for 2s while waiting: the control plane istiod-${REVISION} is not ready`,
      },
    ]);
    expect(ran.status).toBe(4);
    await untilControlPlane(cluster);
    expect(await restartedAt(sandbox, ["a"])).toEqual([NaN]);
  });
});

describe("a rollout that somebody else started", () => {
  test("is waited for as long as it makes progress, without another restart", async ({
    cluster,
    enter,
  }) => {
    await cluster.installRevision({ name: REVISION, image: image("v1.60.1-1") });
    await cluster.moveImage(REVISION, image("v1.60.1-1"));
    const sandbox = await enter({ "istio.io/rev": REVISION });
    const annotations = { "test.istio-upgrade/ready-after": "3s" };
    // One pod after the other: nine seconds in all, and never five without progress.
    await sandbox.create("statefulsets", statefulSet("db", { replicas: 3, annotations }));
    await untilReady(sandbox, 3);
    await cluster.moveImage(REVISION, image("v1.60.2-1"));
    await sandbox.restart("statefulsets", "db", "2026-11-25T00:00:00Z");
    const { metadata } = await sandbox.get("statefulsets", "db");

    const args = ["restart", "-n", sandbox.name, "--yes", "--json", "--allow-downtime"];
    const ran = await startProgram([...args, "--include", "unhealthy", "--timeout", "5s"], {
      KUBECONFIG: cluster.kubeconfig,
    }).done;
    expect(parseReport("RestartReport", ran.stdout).results).toMatchObject([
      { name: "db", outcome: "waited", code: "on-target", startedAt: null },
    ]);
    expect(ran.stderr).toContain("sts/db: waiting, already rolling: ");
    expect(ran.status).toBe(0);
    const after = await sandbox.get("statefulsets", "db");
    expect(after.metadata.generation).toBe(metadata.generation);
  });
});
