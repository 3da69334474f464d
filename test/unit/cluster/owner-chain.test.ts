import { describe, expect, test } from "vitest";
import { gatherWorkloads } from "../../../src/cluster/owner-chain.ts";
import { type PodsByOwner, addPod } from "../../../src/cluster/pods-by-owner.ts";
import type { Workload } from "../../../src/snapshot.ts";
import { apiPod, type ApiPodOptions } from "../../support/build/api-pod.ts";
import { deployment } from "../../support/build/workload.ts";

const SIDECAR = { image: "proxyv2:1" };
const HASH = { "pod-template-hash": "5d9" };
const OLD_SET = { kind: "ReplicaSet", name: "web-1", uid: "rs-1" };
const NEW_SET = { kind: "ReplicaSet", name: "web-2", uid: "rs-2" };

function controller(kind: string, name: string, uid: string) {
  return { apiVersion: "apps/v1", kind, name, uid, controller: true };
}

function gather(
  listed: readonly Workload[],
  pods: readonly ApiPodOptions[],
  controllers: readonly (readonly [string, ReturnType<typeof controller>])[] = [],
): readonly Workload[] {
  const podsByOwner = new Map<string, PodsByOwner>();
  for (const pod of pods.map(apiPod)) addPod(podsByOwner, pod);
  return gatherWorkloads(listed, podsByOwner.values(), (uid) => new Map(controllers).get(uid));
}

const web = deployment("web");

test("a Deployment has the pods of all its ReplicaSets", () => {
  const [only, ...others] = gather(
    [web],
    [
      { name: "a", owner: OLD_SET, labels: HASH, sidecar: SIDECAR },
      { name: "b", owner: NEW_SET, labels: HASH, sidecar: SIDECAR },
      { name: "c", owner: NEW_SET, labels: HASH },
      { name: "d", owner: OLD_SET, labels: HASH, terminating: true },
    ],
    [
      ["rs-1", controller("Deployment", "web", web.uid)],
      ["rs-2", controller("Deployment", "web", web.uid)],
    ],
  );
  expect(others).toEqual([]);
  expect(only).toMatchObject({
    kind: "Deployment",
    name: "web",
    terminating: 1,
    rollout: web.rollout,
  });
  expect(only?.pods.map(({ image, podNames }) => [image, podNames])).toEqual([
    ["proxyv2:1", ["a", "b"]],
    [undefined, ["c"]],
  ]);
});

describe("pods that lost Istio's annotations", () => {
  const stripped = { sidecar: SIDECAR, annotations: {} };
  const proxy = (image: string) => deployment("web", { template: { proxy: { image } } });

  test.each<[what: string, workload: Workload, image: string | undefined]>([
    ["have a sidecar if the template has none", web, SIDECAR.image],
    ["have a sidecar if the template leaves its image open", proxy("auto"), SIDECAR.image],
    ["have no sidecar if the template sets its image", proxy("custom:1"), undefined],
    ["have a sidecar if the template is unread", { ...web, template: undefined }, SIDECAR.image],
  ])("%s", (_what, workload, image) => {
    const [only] = gather(
      [workload],
      [
        { ...stripped, name: "a", owner: NEW_SET, labels: HASH },
        { ...stripped, name: "b", owner: NEW_SET, labels: HASH, terminating: true },
      ],
      [["rs-2", controller("Deployment", "web", web.uid)]],
    );
    expect(only?.pods.map((group) => group.image)).toEqual([image]);
    expect(only?.terminatingPods.map((group) => group.image)).toEqual([image]);
  });

  test.each<[kind: string, args: readonly string[], image: string | undefined]>([
    ["Pod", ["proxy", "sidecar"], SIDECAR.image],
    ["Pod", ["run"], undefined],
    ["Job", ["proxy", "sidecar"], SIDECAR.image],
    ["Job", ["run"], undefined],
  ])("of a %s are judged by the arguments %j", (kind, args, image) => {
    const owner = kind === "Pod" ? {} : { owner: { kind, name: "x", uid: "x" } };
    const [only] = gather([], [{ ...stripped, ...owner, args }]);
    expect(only?.pods.map((group) => group.image)).toEqual([image]);
  });
});

test("a listed workload may have no pods", () => {
  expect(gather([web], [])).toEqual([web]);
});

test("a ReplicaSet belongs to a Deployment by its owner reference, not by its name", () => {
  const workloads = gather([web], [{ name: "web-1-x", owner: OLD_SET, sidecar: SIDECAR }]);
  expect(workloads.map(({ kind, name, pods }) => [kind, name, pods.length])).toEqual([
    ["Deployment", "web", 0],
    ["ReplicaSet", "web-1", 1],
  ]);
});

describe("the owner of a pod, if it is not listed,", () => {
  test("has no template if its kind can be restarted", () => {
    const [only] = gather(
      [],
      [{ owner: OLD_SET, sidecar: SIDECAR }],
      [["rs-1", controller("Deployment", "web", "gone")]],
    );
    expect(only).toMatchObject({ kind: "Deployment", name: "web", uid: "gone" });
    expect(only).toHaveProperty("template", undefined);
    expect(only).toHaveProperty("rollout", undefined);
  });

  test.each([
    ["CloneSet", "web"],
    ["CronJob", "nightly"],
  ])("has the template of its pods if its kind is %s", (kind, name) => {
    const owner = { kind: kind === "CronJob" ? "Job" : "ReplicaSet", name: "x", uid: "x-1" };
    const [only] = gather(
      [],
      [{ owner, sidecar: SIDECAR, labels: { app: "web" } }],
      [["x-1", controller(kind, name, "top")]],
    );
    expect(only).toMatchObject({
      kind,
      name,
      namespace: "shop",
      template: { labels: { app: "web" } },
    });
  });

  test("is the pod itself for a bare pod", () => {
    const [only] = gather([], [{ name: "alone", labels: { app: "a" }, sidecar: SIDECAR }]);
    expect(only).toMatchObject({ kind: "Pod", name: "alone", labels: { app: "a" } });
  });

  test("is the node for a static pod", () => {
    const owner = { kind: "Node", name: "node-1", uid: "n-1" };
    expect(gather([], [{ owner }])).toMatchObject([{ kind: "Node", name: "node-1" }]);
  });
});

test("workloads are sorted by namespace, kind and name", () => {
  const listed = [
    deployment("b", { namespace: "z" }),
    deployment("b", { namespace: "a" }),
    deployment("a", { namespace: "z" }),
  ];
  const owner = { kind: "DaemonSet", name: "c", uid: "ds" };
  expect(
    gather(listed, [{ namespace: "z", owner }]).map(
      ({ namespace, kind, name }) => `${namespace}/${kind}/${name}`,
    ),
  ).toEqual(["a/Deployment/b", "z/DaemonSet/c", "z/Deployment/a", "z/Deployment/b"]);
});

test("the pods that a pod creates belong to the controller of that pod", () => {
  const driver = { kind: "Pod", name: "driver", uid: "uid-driver" };
  const application = controller("SparkApplication", "etl", "app");
  const pods: readonly ApiPodOptions[] = [
    { name: "driver", owner: application },
    { name: "executor-1", owner: driver },
    { name: "executor-2", owner: driver },
  ];
  const owned = gather([], pods, [["uid-driver", application]]);
  expect(owned.map(({ kind, name, pods: [group] }) => [kind, name, group?.pods])).toEqual([
    ["SparkApplication", "etl", 3],
  ]);
  const [first, ...others] = gather([], [{ name: "driver" }, ...pods.slice(1)]);
  expect([first?.kind, first?.name, first?.pods[0]?.pods, others]).toEqual([
    "Pod",
    "driver",
    3,
    [],
  ]);
});

test("owner references that form a circle end somewhere", () => {
  const one = controller("Pod", "one", "1");
  const two = controller("Pod", "two", "2");
  const pods = [{ name: "x", owner: one }];
  const found = gather([], pods, [
    ["1", two],
    ["2", one],
  ]);
  expect(found).toHaveLength(1);
});
