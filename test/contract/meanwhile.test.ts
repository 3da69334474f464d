import { describe, expect } from "vitest";
import { daemonSet, deployment, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { startProgram } from "../support/run-program.ts";
import { eventually, RESTARTED_AT, type Sandbox, test } from "./sandbox.ts";

const REVISION = "asm-1-72";
const image = (version: string) => `mcr.microsoft.com/oss/v2/istio/proxyv2:${version}`;
const SLOW = { replicas: 2, annotations: { "test.istio-upgrade/ready-after": "4s" } };

async function untilReady(sandbox: Sandbox, owners: readonly string[]): Promise<void> {
  await eventually(async () => {
    for (const owner of owners) {
      const pods = (await sandbox.pods()).filter(({ metadata }) =>
        metadata.name.startsWith(`${owner}-`),
      );
      const ready = pods.filter(({ status }) => JSON.stringify(status).includes('"ready":true'));
      // Two pods of each; a DaemonSet has one on each node.
      expect([owner, ready.length >= 2, ready.length]).toEqual([owner, true, pods.length]);
    }
  });
}

describe("a change by somebody else during a rollout", () => {
  test("is recognized, and the pods decide about the outcome", async ({ cluster, enter }) => {
    await cluster.installRevision({ name: REVISION, image: image("v1.72.0-1") });
    const sandbox = await enter({ "istio.io/rev": REVISION });
    const names = ["edited", "undone", "paused", "zero", "grown", "gone"];
    for (const name of names) await sandbox.create("deployments", deployment(name, SLOW));
    const updateStrategy = { type: "RollingUpdate", rollingUpdate: { partition: 1 } };
    await sandbox.create(
      "statefulsets",
      statefulSet("held", { ...SLOW, replicas: 2, spec: { updateStrategy } }),
    );
    await sandbox.create("statefulsets", statefulSet("manual", SLOW));
    await sandbox.create("daemonsets", daemonSet("agent", { annotations: SLOW.annotations }));
    const all = [...names, "held", "manual", "agent"];
    await untilReady(sandbox, all);
    await cluster.moveImage(REVISION, image("v1.72.2-1"));

    const running = startProgram(
      [
        "restart",
        "--yes",
        "--json",
        `--namespace=${sandbox.name}`,
        "--max-parallel=9",
        "--max-failures=9",
      ],
      { KUBECONFIG: cluster.kubeconfig },
    );
    await eventually(async () => {
      const restarted = (await sandbox.pods()).filter(
        ({ metadata }) => metadata.annotations?.[RESTARTED_AT] !== undefined,
      );
      const begun = all.filter((name) =>
        restarted.some(({ metadata }) => metadata.name.startsWith(`${name}-`)),
      );
      expect(begun).toEqual(all);
    });
    const annotate = (annotations: Readonly<Record<string, string | null>>) => ({
      spec: { template: { metadata: { annotations } } },
    });
    const edits: readonly (readonly [resource: string, name: string, change: object])[] = [
      // As an upgrade by a tool that removes the restart time.
      ["deployments", "edited", annotate({ [RESTARTED_AT]: null, "example.com/build": "2" })],
      ["deployments", "undone", annotate({ [RESTARTED_AT]: null })],
      ["deployments", "paused", { spec: { paused: true } }],
      ["deployments", "zero", { spec: { replicas: 0 } }],
      ["deployments", "grown", { spec: { replicas: 4 } }],
      [
        "statefulsets",
        "manual",
        { spec: { updateStrategy: { type: "OnDelete", rollingUpdate: null } } },
      ],
    ];
    for (const [resource, name, change] of edits) {
      expect([name, (await sandbox.patch(resource, name, change)).status]).toEqual([name, 200]);
    }
    await cluster.request("DELETE", sandbox.path("deployments", "gone"));

    const ran = await running.done;
    const { results } = parseReport("RestartReport", ran.stdout);
    const endings = results.map(({ name, outcome, code, message }) => [
      name,
      outcome,
      code,
      message,
    ]);
    // A removed field has no manager.
    const [added, removed] = ["kubectl-rollout", "somebody else"].map(
      (changer) => `${changer} changed the pod template during the rollout`,
    );
    expect(endings.toSorted()).toEqual([
      ["agent", "restarted", "rolled-out", "rolled out"],
      ["edited", "restarted", "superseded", `rolled out on target, although ${added}`],
      ["gone", "skipped", "gone", "it was deleted or recreated during the rollout"],
      ["grown", "restarted", "rolled-out", "rolled out"],
      [
        "held",
        "restarted",
        "partition",
        "rolled out; partition 1 keeps all outdated pods on the old template",
      ],
      [
        "manual",
        "timed-out",
        "on-delete",
        "the update strategy became OnDelete during the rollout: 1 old pod stays until it is deleted",
      ],
      ["paused", "timed-out", "paused", "paused during the rollout"],
      [
        "undone",
        "failed",
        "superseded",
        expect.stringMatching(`^${removed}: \\d of 2 pods run ${image("v1.72.0-1")}$`),
      ],
      [
        "zero",
        "restarted",
        "scaled-to-zero",
        "scaled to zero: its next pods get today's injection",
      ],
    ]);
    expect(ran.status).toBe(3);
    // A healthy rollout waits for no node in particular.
    expect(ran.stderr).not.toContain("waiting for node");
  });
});
