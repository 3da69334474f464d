/* oxlint-disable vitest/no-standalone-expect -- `test` is vitest's own, with fixtures */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, vi } from "vitest";
import { type Manifest, daemonSet, deployment, pod, statefulSet } from "../support/manifests.ts";
import { type Answer, POD_BEHAVIOUR } from "../support/test-cluster.ts";
import { RESTARTED_AT, type Sandbox, eventually, test } from "./sandbox.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const IMAGE = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.93.0-1";
const MOVED = "mcr.microsoft.com/oss/v2/istio/proxyv2:v1.93.2-1";
const REVISION = { name: "asm-1-93", image: IMAGE };
const AT = "2026-01-02T03:04:05Z";

/** Applies kubectl's rules, simplified: the controller has seen the spec, and every pod is new and available. */
function isDone({ kind, metadata, spec, status }: Answer["body"]): boolean {
  if ((status.observedGeneration ?? 0) < metadata.generation) return false;
  const counts =
    kind === "DaemonSet"
      ? [status.updatedNumberScheduled, status.numberAvailable, status.currentNumberScheduled]
      : [status.updatedReplicas, status.availableReplicas, status.replicas];
  const wanted = kind === "DaemonSet" ? status.desiredNumberScheduled : spec.replicas;
  return wanted > 0 && counts.every((count) => count === wanted);
}

async function untilDone(
  sandbox: Sandbox,
  resource: string,
  name: string,
): Promise<Answer["body"]> {
  await eventually(async () => expect(isDone(await sandbox.get(resource, name))).toBe(true));
  return sandbox.get(resource, name);
}

async function running(
  sandbox: Sandbox,
  resource: string,
  manifest: Manifest,
): Promise<Answer["body"]> {
  const { metadata } = await sandbox.create(resource, manifest);
  return untilDone(sandbox, resource, metadata.name);
}

/** Resolves when the controller has seen the newest spec, with a moment more to act on it. */
async function untilSeen(
  sandbox: Sandbox,
  resource: string,
  name: string,
): Promise<Answer["body"]> {
  const seen = async () => {
    const { metadata, status } = await sandbox.get(resource, name);
    return status.observedGeneration === metadata.generation;
  };
  await eventually(async () => expect(await seen()).toBe(true));
  await sleep(500);
  return sandbox.get(resource, name);
}

async function uids(sandbox: Sandbox): Promise<string[]> {
  return (await sandbox.pods()).map((one) => one.metadata.uid as string).toSorted();
}

function restartedAt(one: Answer["body"]): string | undefined {
  return one.metadata.annotations?.[RESTARTED_AT];
}

const kinds: [string, (name: string, options: object) => Manifest][] = [
  ["deployments", deployment],
  ["statefulsets", statefulSet],
  ["daemonsets", daemonSet],
];

describe.concurrent("rollouts", () => {
  test.for(kinds)(
    "%s: a restart is one new generation, and green until it is seen",
    async ([resource, make], { sandbox }) => {
      const before = await running(sandbox, resource, make("web", { replicas: 2 }));
      const patched = await sandbox.restart(resource, "web", AT);
      expect(patched.status).toBe(200);
      expect(patched.body.metadata.generation).toBe(before.metadata.generation + 1);
      expect(patched.body.status).toEqual(before.status);
      expect((await sandbox.restart(resource, "web", AT)).body.metadata.generation).toBe(
        before.metadata.generation + 1,
      );
      const after = await untilDone(sandbox, resource, "web");
      expect(after.metadata.generation).toBe(before.metadata.generation + 1);
      expect(after.metadata.uid).toBe(before.metadata.uid);
    },
  );

  test("a restart of each kind brings the new image", async ({ cluster, enter }) => {
    await cluster.installRevision(REVISION);
    const sandbox = await enter({ "istio.io/rev": REVISION.name });
    await Promise.all(
      kinds.map(([resource, make]) =>
        running(sandbox, resource, make(`app-${resource}`, { replicas: 2 })),
      ),
    );
    const images = async () => {
      const pods = await sandbox.pods();
      const proxies = pods.flatMap(({ spec }) =>
        spec.containers.filter(({ name }: Answer["body"]) => name === "istio-proxy"),
      );
      expect(proxies).toHaveLength(pods.length);
      return [...new Set(proxies.map(({ image }) => image))];
    };
    expect(await images()).toEqual([IMAGE]);
    const probe = { body: pod("probe") };
    const dryRun = async () =>
      (
        await cluster.request("POST", `${sandbox.path("pods")}?dryRun=All`, probe)
      ).body.spec.containers.map(({ image }: Answer["body"]) => image);
    await cluster.moveImage(REVISION.name, MOVED);
    await eventually(async () => expect(await dryRun()).toContain(MOVED));
    expect(await images()).toEqual([IMAGE]);
    for (const [resource] of kinds) await sandbox.restart(resource, `app-${resource}`, AT);
    for (const [resource] of kinds) await untilDone(sandbox, resource, `app-${resource}`);
    // A Deployment is done while old pods still terminate, so only the others count.
    await eventually(async () => expect(await images()).toEqual([MOVED]));
    expect((await sandbox.pods()).map(restartedAt)).toEqual(expect.arrayContaining([AT]));
  });

  test("pods belong to their Deployment through a ReplicaSet", async ({ cluster, sandbox }) => {
    const { metadata, status } = await running(
      sandbox,
      "deployments",
      deployment("web", { replicas: 2 }),
    );
    await sandbox.restart("deployments", "web", AT);
    await untilDone(sandbox, "deployments", "web");
    const { body } = await cluster.request(
      "GET",
      `/apis/apps/v1/namespaces/${sandbox.name}/replicasets`,
    );
    const sets: Answer["body"][] = body.items;
    expect(sets).toHaveLength(2);
    for (const set of sets) {
      expect(set.metadata.ownerReferences).toMatchObject([
        { kind: "Deployment", name: "web", uid: metadata.uid, controller: true },
      ]);
    }
    const current = sets.find((set) => set.spec.replicas === 2);
    const hash = current.metadata.labels["pod-template-hash"];
    const [one] = await sandbox.pods();
    expect(one.metadata.labels["pod-template-hash"]).toBe(hash);
    expect(one.metadata.name).toMatch(new RegExp(`^web-${hash}-[a-z0-9]{5}$`));
    expect(one.metadata.ownerReferences).toMatchObject([
      { kind: "ReplicaSet", uid: current.metadata.uid },
    ]);
    expect(status.conditions).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          type: "Progressing",
          status: "True",
          reason: "NewReplicaSetAvailable",
        }),
      ]),
    );
  });

  test("a StatefulSet keeps its pod names, and its pods carry its revision", async ({
    sandbox,
  }) => {
    await running(sandbox, "statefulsets", statefulSet("db", { replicas: 2 }));
    const hashes = async () => {
      const pods = await sandbox.pods();
      expect(pods.map((one) => one.metadata.name)).toEqual(["db-0", "db-1"]);
      return new Set(pods.map((one) => one.metadata.labels["controller-revision-hash"]));
    };
    const before = await hashes();
    await sandbox.restart("statefulsets", "db", AT);
    await untilDone(sandbox, "statefulsets", "db");
    const after = await hashes();
    expect([before.size, after.size, new Set([...before, ...after]).size]).toEqual([1, 1, 2]);
    for (const one of await sandbox.pods()) {
      expect(one.metadata.ownerReferences).toMatchObject([{ kind: "StatefulSet", name: "db" }]);
    }
  });

  test("a StatefulSet rolls from the highest ordinal to the lowest", async ({ sandbox }) => {
    const annotations = { [POD_BEHAVIOUR.readyAfter]: "1s" };
    await running(sandbox, "statefulsets", statefulSet("db", { replicas: 2, annotations }));
    await sandbox.restart("statefulsets", "db", AT);
    const restarted = async () =>
      (await sandbox.pods())
        .filter((one) => restartedAt(one) === AT)
        .map((one) => one.metadata.name);
    await eventually(async () => expect(await restarted()).toEqual(["db-1"]));
    await eventually(async () => expect(await restarted()).toEqual(["db-0", "db-1"]));
  });

  test("a paused Deployment takes the patch and does not roll", async ({ sandbox }) => {
    await running(sandbox, "deployments", deployment("web", { replicas: 2 }));
    await sandbox.patch("deployments", "web", { spec: { paused: true } });
    const before = await uids(sandbox);
    expect((await sandbox.restart("deployments", "web", AT)).status).toBe(200);
    const { spec } = await untilSeen(sandbox, "deployments", "web");
    expect(spec.template.metadata.annotations).toEqual({ [RESTARTED_AT]: AT });
    expect(await uids(sandbox)).toEqual(before);
  });

  test.for([
    ["statefulsets", statefulSet],
    ["daemonsets", daemonSet],
  ] as const)(
    "OnDelete: %s do not roll until a pod is deleted",
    async ([resource, make], { cluster, sandbox }) => {
      await running(
        sandbox,
        resource,
        make("web", { replicas: 2, spec: { updateStrategy: { type: "OnDelete" } } }),
      );
      const before = await uids(sandbox);
      expect((await sandbox.restart(resource, "web", AT)).status).toBe(200);
      await untilSeen(sandbox, resource, "web");
      expect(await uids(sandbox)).toEqual(before);
      const [first] = await sandbox.pods();
      await cluster.request("DELETE", sandbox.path("pods", first.metadata.name));
      const fresh = async () =>
        (await sandbox.pods()).filter((one) => restartedAt(one) === AT).length;
      await eventually(async () => expect(await fresh()).toBe(1));
      expect(await uids(sandbox)).toEqual(
        expect.arrayContaining(before.filter((uid) => uid !== first.metadata.uid)),
      );
    },
  );

  test("a partition keeps the lower ordinals", async ({ sandbox }) => {
    const updateStrategy = { type: "RollingUpdate", rollingUpdate: { partition: 2 } };
    await running(
      sandbox,
      "statefulsets",
      statefulSet("db", { replicas: 3, spec: { updateStrategy } }),
    );
    await sandbox.restart("statefulsets", "db", AT);
    const done = async () => {
      const { status } = await sandbox.get("statefulsets", "db");
      return [status.updatedReplicas, status.readyReplicas];
    };
    await eventually(async () => expect(await done()).toEqual([1, 3]));
    await untilSeen(sandbox, "statefulsets", "db");
    expect((await sandbox.pods()).map(restartedAt)).toEqual([undefined, undefined, AT]);
    const { spec } = await sandbox.get("statefulsets", "db");
    expect(spec.updateStrategy.rollingUpdate.partition).toBe(2);
  });

  test("the server defaults a StatefulSet's partition to 0 and a DaemonSet's maxUnavailable to 1", async ({
    sandbox,
  }) => {
    const db = await sandbox.create("statefulsets", statefulSet("db", { replicas: 0 }));
    expect(db.spec.updateStrategy).toMatchObject({
      type: "RollingUpdate",
      rollingUpdate: { partition: 0 },
    });
    const agent = await sandbox.create("daemonsets", daemonSet("agent"));
    expect(agent.spec.updateStrategy).toMatchObject({ rollingUpdate: { maxUnavailable: 1 } });
  });

  test.for(["ErrImagePull", "CrashLoopBackOff", "CreateContainerConfigError"])(
    "%s: new pods say why, old ones stay, the deadline passes",
    async (reason, { sandbox }) => {
      const spec = { progressDeadlineSeconds: 2 };
      await running(sandbox, "deployments", deployment("web", { replicas: 2, spec }));
      const before = await uids(sandbox);
      const annotations = { [POD_BEHAVIOUR.fail]: reason, [RESTARTED_AT]: AT };
      await sandbox.patch("deployments", "web", {
        spec: { template: { metadata: { annotations } } },
      });
      const waiting = async () => {
        const broken = (await sandbox.pods()).find((one) => restartedAt(one) === AT);
        return broken?.status.containerStatuses?.[0]?.state?.waiting;
      };
      await eventually(async () =>
        expect(await waiting()).toMatchObject({ reason, message: expect.stringMatching(/\S/) }),
      );
      const progressing = async () => {
        const { status } = await sandbox.get("deployments", "web");
        const found = status.conditions.find(({ type }: Answer["body"]) => type === "Progressing");
        return [found.status, found.reason];
      };
      await eventually(async () =>
        expect(await progressing()).toEqual(["False", "ProgressDeadlineExceeded"]),
      );
      // 25% of two pods: one more, and none fewer.
      expect(await uids(sandbox)).toEqual(expect.arrayContaining(before));
      const { status } = await sandbox.get("deployments", "web");
      expect(status).toMatchObject({ updatedReplicas: 1, availableReplicas: 2, replicas: 3 });
      for (const one of await sandbox.pods()) {
        const ready = one.status.conditions.find(({ type }: Answer["body"]) => type === "Ready");
        expect(ready?.status ?? "False").toBe(restartedAt(one) === AT ? "False" : "True");
      }
    },
  );

  test("a StatefulSet waits at a broken pod, and the other pods stay", async ({ sandbox }) => {
    await running(sandbox, "statefulsets", statefulSet("db", { replicas: 2 }));
    const annotations = { [POD_BEHAVIOUR.fail]: "ErrImagePull", [RESTARTED_AT]: AT };
    await sandbox.patch("statefulsets", "db", {
      spec: { template: { metadata: { annotations } } },
    });
    const waiting = async () =>
      (await sandbox.get("pods", "db-1")).status?.containerStatuses?.[0]?.state?.waiting?.reason;
    await eventually(async () => expect(await waiting()).toBe("ErrImagePull"));
    const { status } = await untilSeen(sandbox, "statefulsets", "db");
    expect(status).toMatchObject({ readyReplicas: 1, updatedReplicas: 1, replicas: 2 });
    expect(restartedAt(await sandbox.get("pods", "db-0"))).toBeUndefined();
  });

  test("a pod becomes ready after the time in its annotation", async ({ sandbox }) => {
    await sandbox.create(
      "pods",
      pod("slow", { annotations: { [POD_BEHAVIOUR.readyAfter]: "2s" } }),
    );
    await sandbox.create("pods", pod("quick"));
    const ready = async (name: string) => {
      const { status } = await sandbox.get("pods", name);
      return (
        status.conditions?.find(({ type }: Answer["body"]) => type === "Ready")?.status === "True"
      );
    };
    await eventually(async () => expect(await ready("quick")).toBe(true));
    expect(await ready("slow")).toBe(false);
    await eventually(async () => expect(await ready("slow")).toBe(true));
  });

  test("a Deployment scales, and its pods follow", async ({ cluster, sandbox }) => {
    await running(sandbox, "deployments", deployment("web", { replicas: 2 }));
    await sandbox.patch("deployments", "web", { spec: { replicas: 4 } });
    await untilDone(sandbox, "deployments", "web");
    expect(await sandbox.pods()).toHaveLength(4);
    await sandbox.patch("deployments", "web", { spec: { replicas: 1 } });
    await eventually(async () => expect((await sandbox.pods()).length).toBe(1));
    await cluster.request("DELETE", sandbox.path("deployments", "web"));
    await eventually(async () => expect((await sandbox.pods()).length).toBe(0));
  });

  test("Recreate ends all old pods before it starts new ones", async ({ sandbox }) => {
    const spec = { strategy: { type: "Recreate" } };
    await running(sandbox, "deployments", deployment("web", { replicas: 2, spec }));
    await sandbox.restart("deployments", "web", AT);
    const seen: boolean[][] = [];
    const isNew = async () => {
      const all = (await sandbox.pods()).map((one) => restartedAt(one) === AT);
      seen.push(all);
      return all;
    };
    await eventually(async () => expect(await isNew()).toEqual([true, true]));
    expect(seen.filter((all) => all.includes(true) && all.includes(false))).toEqual([]);
    await untilDone(sandbox, "deployments", "web");
  });
});
