import { afterAll, beforeAll, describe, expect } from "vitest";
import { limitPods } from "../contract/pod-quota.ts";
import { eventually, run, type Sandbox, test } from "../contract/sandbox.ts";
import { rejectPods } from "../contract/rejecting-webhook.ts";
import { argoRollout, daemonSet, deployment, pod, statefulSet } from "../support/manifests.ts";
import { parseReport } from "../support/report-schema.ts";
import { auditedWrites } from "./audit.ts";
import { createAll, type TestWorkload, createUpgrades } from "./upgrades.ts";
import { openRealCluster } from "./open-real-cluster.ts";
import type { RealCluster } from "./real-cluster.ts";

const REVISION = "asm-1-65";
const PARALLEL = 5;
const POOL = "test.istio-upgrade/pool";

const readyAfter = (seconds: number) => ({ "test.istio-upgrade/ready-after": `${seconds}s` });
const failing = (reason: string) => ({ "test.istio-upgrade/fail-restarted": reason });

const deploy = (...args: Parameters<typeof deployment>): TestWorkload => ({
  resource: "deployments",
  manifest: deployment(...args),
});
const sts = (...args: Parameters<typeof statefulSet>): TestWorkload => ({
  resource: "statefulsets",
  manifest: statefulSet(...args),
});
const ds = (...args: Parameters<typeof daemonSet>): TestWorkload => ({
  resource: "daemonsets",
  manifest: daemonSet(...args),
});

/** Fast and slow workloads of every kind. */
const GOOD: readonly TestWorkload[] = [
  ...Array.from({ length: 11 }, (_, index) =>
    deploy(`web-${index}`, { replicas: 1 + (index % 3), annotations: readyAfter(index % 5) }),
  ),
  ...Array.from({ length: 4 }, (_, index) =>
    sts(`db-${index}`, { replicas: 2, annotations: readyAfter(index) }),
  ),
  ...Array.from({ length: 2 }, (_, index) => ({
    resource: "rollouts",
    manifest: argoRollout(`ro-${index}`, { replicas: 2, annotations: readyAfter(index) }),
  })),
  ds("agent-0", { annotations: readyAfter(1) }),
  ds("agent-1"),
];

/** Workloads that fail, with the expected result. */
const BAD: readonly (readonly [TestWorkload, outcome: string, code: string, message: RegExp])[] = [
  [
    deploy("crashes", { replicas: 2, annotations: failing("CrashLoopBackOff") }),
    "failed",
    "pod-failed",
    /CrashLoopBackOff: back-off 2m40s restarting failed container.*; 2 old pods still serve$/,
  ],
  [
    deploy("imageless", { replicas: 2, annotations: failing("ErrImagePull") }),
    "failed",
    "pod-failed",
    /ErrImagePull: rpc error: .*failed to pull and unpack image.*; 2 old pods still serve$/,
  ],
  [
    deploy("unconfigured", { replicas: 2, annotations: failing("CreateContainerConfigError") }),
    "failed",
    "pod-failed",
    /CreateContainerConfigError: configmap "settings" not found; 2 old pods still serve$/,
  ],
  [
    sts("db-crashes", { replicas: 2, annotations: failing("CrashLoopBackOff") }),
    "failed",
    "pod-failed",
    /db-crashes-1 is in CrashLoopBackOff.*; 1 old pod still serves$/,
  ],
  [
    ds("agent-crashes", { annotations: failing("CrashLoopBackOff") }),
    "failed",
    "pod-failed",
    /agent-crashes-\S+ is in CrashLoopBackOff/,
  ],
  [
    deploy("hangs", { annotations: failing("ContainerCreating") }),
    "timed-out",
    "no-progress",
    /no progress for /,
  ],
  [
    deploy("nodeless", { podSpec: { nodeSelector: { [POOL]: "gone" } } }),
    "failed",
    "unschedulable",
    /cannot be scheduled: 0\/\d+ nodes are available/,
  ],
];

/** Workloads whose pods are rejected after the restart, each in its own namespace. */
const REFUSED: readonly (readonly [
  TestWorkload,
  outcome: string,
  code: string,
  message: RegExp,
])[] = [[deploy("full"), "failed", "quota", /exceeded quota: small.*; 1 old pod still serves$/]];

/** Workloads that are never restarted, with the expected verdict. */
const LEFT_OUT: readonly (readonly [TestWorkload, verdict: string, restart: string])[] = [
  [deploy("paused"), "outdated", "refused"],
  [deploy("recreated", { spec: { strategy: { type: "Recreate" } } }), "outdated", "refused"],
  [deploy("excluded"), "excluded", "no"],
  [
    deploy("pinned", {
      annotations: { "sidecar.istio.io/proxyImage": "registry.test/own/proxyv2:1.0" },
    }),
    "pinned",
    "no",
  ],
  [sts("single"), "outdated", "refused"],
  [
    sts("manual", { replicas: 2, spec: { updateStrategy: { type: "OnDelete" } } }),
    "outdated",
    "refused",
  ],
  [
    sts("held", {
      replicas: 2,
      spec: { updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 2 } } },
    }),
    "outdated",
    "refused",
  ],
];

const nameOf = ({ manifest }: TestWorkload) => (manifest["metadata"] as { name: string }).name;

describe("an unattended restart", () => {
  let cluster: RealCluster;
  beforeAll(() => {
    cluster = openRealCluster();
  });
  afterAll(() => cluster.stop());

  async function merge(path: string, body: unknown): Promise<void> {
    const contentType = "application/merge-patch+json";
    expect((await cluster.request("PATCH", path, { body, contentType })).status).toBe(200);
  }

  test(
    "ends with the expected result for each of forty workloads of all kinds",
    { timeout: 400_000 },
    async ({ enter }) => {
      const upgrades = await createUpgrades(cluster, REVISION);
      const labels = { "istio.io/rev": REVISION };
      await cluster.installArgoRollouts();
      const [shop, pay, lost] = [await enter(labels), await enter(labels), await enter(labels)];
      const [full, unanswered, restricted] = [
        await enter(labels),
        await enter(labels),
        await enter(labels),
      ];
      const { body: nodes } = await cluster.request("GET", "/api/v1/nodes");
      const node = `/api/v1/nodes/${nodes.items[0].metadata.name}`;
      await merge(node, { metadata: { labels: { [POOL]: "gone" } } });

      const half = Math.ceil(GOOD.length / 2);
      await createAll(shop, [...GOOD.slice(0, half), ...LEFT_OUT.map(([workload]) => workload)]);
      await createAll(pay, [...GOOD.slice(half), ...BAD.map(([workload]) => workload)]);
      await createAll(lost, [deploy("lost"), deploy("lost-too", { replicas: 2 })]);
      await createAll(full, [deploy("full")]);
      await createAll(unanswered, [deploy("unanswered")]);
      await createAll(restricted, [deploy("restricted")]);
      await shop.create("pods", pod("bare"));
      await pay.create("pods", pod("bare"));
      await shop.patch("deployments", "paused", { spec: { paused: true } });
      const exclude = { metadata: { annotations: { "istio-upgrade/exclude": "true" } } };
      await merge(shop.path("deployments", "excluded"), exclude);
      await merge(node, { metadata: { labels: { [POOL]: null } } });
      await lost.relabel({ "istio.io/rev": "asm-0-1" });
      await eventually(async () =>
        expect((await shop.get("pods", "bare")).status.phase).toBe("Running"),
      );
      await limitPods(cluster, full, 1);
      const enforce = { "pod-security.kubernetes.io/enforce": "restricted" };
      await restricted.relabel(enforce);
      await upgrades.next();
      const answerAgain = await rejectPods(cluster, unanswered);

      const all = [shop, pay, lost, full, unanswered, restricted].map(({ name }) => name);
      const ran = await run(
        cluster,
        "restart",
        `--namespace=${all.join(",")}`,
        "--yes",
        "--json",
        `--max-parallel=${PARALLEL}`,
        "--max-failures=99",
        "--timeout=40s",
      );
      await answerAgain();
      const report = parseReport("RestartReport", ran.stdout);
      expect(ran.status).toBe(3);
      expect(report.summary.workloads).toBe(40);

      const endings = Object.fromEntries(
        report.results.map(({ name, outcome, code, message }) => [name, [outcome, code, message]]),
      );
      expect(endings).toEqual({
        ...Object.fromEntries(
          GOOD.map((good) => [nameOf(good), ["restarted", "rolled-out", "rolled out"]]),
        ),
        ...Object.fromEntries(
          [...BAD, ...REFUSED].map(([bad, outcome, code, message]) => [
            nameOf(bad),
            [outcome, code, expect.stringMatching(message)],
          ]),
        ),
      });
      const verdicts = Object.fromEntries(
        report.workloads.map(({ namespace, name, verdict, restart }) => [
          `${namespace}/${name}`,
          [verdict, restart],
        ]),
      );
      expect(verdicts).toMatchObject({
        ...Object.fromEntries(
          LEFT_OUT.map(([left, verdict, restart]) => [
            `${shop.name}/${nameOf(left)}`,
            [verdict, restart],
          ]),
        ),
        [`${shop.name}/bare`]: ["outdated", "by-hand"],
        [`${restricted.name}/restricted`]: ["blocked", "no"],
        [`${unanswered.name}/unanswered`]: ["blocked", "no"],
        [`${lost.name}/lost`]: ["would-lose", "no"],
        [`${lost.name}/lost-too`]: ["would-lose", "no"],
      });
      expect(report.exitReasons).toEqual([
        `failed:${BAD.length}`,
        "timed-out:1",
        ...report.exitReasons.slice(2),
      ]);

      // The remaining checks use the API server's audit log.
      const writes = (await Promise.all(all.map((name) => auditedWrites(cluster, name)))).flat();
      const patches = writes.toSorted((a, b) =>
        a.requestReceivedTimestamp < b.requestReceivedTimestamp ? -1 : 1,
      );
      const patched = patches.map(({ verb, objectRef }) => [verb, objectRef?.name]);
      const restarted = [...[...GOOD, ...BAD.map(([bad]) => bad)].map(nameOf), "full"];
      expect(patched.toSorted()).toEqual(restarted.map((name) => ["patch", name]).toSorted());

      // The order is that of the plan, except for workloads that roll out in parallel.
      const planned = report.steps
        .map(({ name }) => name)
        .filter((name) => restarted.includes(name));
      const strays = patched.filter(
        ([, name = ""], index) => Math.abs(planned.indexOf(name) - index) >= PARALLEL,
      );
      expect(strays).toEqual([]);

      await expectInFlight(patches, { shop, pay, full });
    },
  );

  /**
   * Checks how many Deployments were rolling out when each patch arrived, according to the times of
   * their conditions.
   */
  async function expectInFlight(
    patches: Awaited<ReturnType<typeof auditedWrites>>,
    sandboxes: { readonly shop: Sandbox; readonly pay: Sandbox; readonly full: Sandbox },
  ): Promise<void> {
    const rolls = await Promise.all(
      patches
        .filter(({ objectRef }) => objectRef?.resource === "deployments")
        .map(async ({ objectRef, requestReceivedTimestamp }) => {
          const sandbox = Object.values(sandboxes).find(
            ({ name }) => name === objectRef?.namespace,
          );
          const { status } = await (sandbox ?? sandboxes.shop).get(
            "deployments",
            objectRef?.name ?? "",
          );
          const done = status.conditions.find(
            ({ reason }: { reason: string }) => reason === "NewReplicaSetAvailable",
          );
          return {
            from: Date.parse(requestReceivedTimestamp),
            until: Date.parse(done?.lastUpdateTime ?? 0),
          };
        }),
    );
    const inFlight = rolls.map(
      ({ from }) => rolls.filter((roll) => roll.from <= from && from < roll.until).length,
    );
    expect(Math.max(...inFlight)).toBeGreaterThan(1);
    expect(Math.max(...inFlight)).toBeLessThanOrEqual(PARALLEL);
  }
});
