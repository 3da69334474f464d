import type { V1Pod } from "@kubernetes/client-node";
import { describe, expect, test } from "vitest";
import { createRollingPodReader, rollingPod } from "../../../src/cluster/rolling-pods.ts";
import { apiPod } from "../../support/build/api-pod.ts";
import { respondingApi } from "../../support/build/scripted-api.ts";

const metadata = { name: "web-1", uid: "uid-web-1" };

test("a rolling pod has its image, its node and the time of its restart", () => {
  const annotations = {
    "sidecar.istio.io/status": "{}",
    "kubectl.kubernetes.io/restartedAt": "2026-11-22T20:00:00Z",
  };
  const containers = [{ name: "istio-proxy", image: "p:1" }];
  const conditions = [{ type: "Ready", status: "True" }];
  const pod = {
    metadata: { ...metadata, annotations },
    spec: { containers, nodeName: "aks-1" },
    status: { conditions },
  };
  expect(rollingPod(pod)).toEqual({
    name: "web-1",
    uid: "uid-web-1",
    image: "p:1",
    ready: true,
    terminating: false,
    node: "aks-1",
    createdAt: "",
    restartedAt: "2026-11-22T20:00:00Z",
    unreadySince: undefined,
    failed: false,
    trouble: undefined,
  });
});

test("a pod is unschedulable for the scheduler's reason Unschedulable only", () => {
  const unschedulable = (reason: string) => {
    const condition = { type: "PodScheduled", status: "False", reason, message: "0/3 nodes" };
    return rollingPod({ metadata, status: { conditions: [condition] } }).trouble?.message;
  };
  expect([unschedulable("Unschedulable"), unschedulable("SchedulingGated")]).toEqual([
    "0/3 nodes",
    undefined,
  ]);
});

test("a DaemonSet's pod has its intended node before it is scheduled", () => {
  const matchFields = [{ key: "metadata.name", operator: "In", values: ["aks-2"] }];
  const nodeAffinity = {
    requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] },
  };
  expect(rollingPod({ metadata, spec: { containers: [], affinity: { nodeAffinity } } }).node).toBe(
    "aks-2",
  );
});

test("a pod has failed by its phase, for the kubelet's reason", () => {
  const status = { phase: "Failed", reason: "OutOfcpu", message: "no cpu left" };
  expect(rollingPod({ metadata, status })).toMatchObject({
    failed: true,
    ready: false,
    trouble: { reason: "OutOfcpu", message: "no cpu left", outlook: "open" },
  });
});

test("an unready pod has the time at which it became unready", () => {
  const unready = { type: "Ready", status: "False", lastTransitionTime: "2026-11-22T20:00:00Z" };
  const since = (condition: object) =>
    rollingPod({ metadata, status: { conditions: [condition] } } as unknown as V1Pod).unreadySince;
  expect([since(unready), since({ ...unready, status: "True" })]).toEqual([
    "2026-11-22T20:00:00Z",
    undefined,
  ]);
});

describe("the pods of a workload", () => {
  const DEPLOYMENT = { namespace: "shop", kind: "Deployment", name: "web", uid: "uid-web" };
  const replicaSet = (uid: string, owner: string) => ({
    metadata: {
      uid,
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "Deployment",
          name: owner,
          uid: `uid-${owner}`,
          controller: true,
        },
      ],
    },
  });
  const podOf = (name: string, kind: string, uid: string) =>
    apiPod({ name, owner: { kind, name: uid, uid } });

  /** An API with the pods and ReplicaSets of each read, and the paths of its requests. */
  function serve(pods: () => readonly unknown[], replicaSets: () => readonly unknown[] = () => []) {
    const paths: string[] = [];
    const api = respondingApi(({ path, kind }) => {
      paths.push(path.split("/").at(-1) ?? "");
      const items = path.endsWith("/replicasets") ? replicaSets() : pods();
      return { kind, metadata: {}, items };
    });
    return { api, paths };
  }

  test("are those of its ReplicaSets, not all that its selector matches", async () => {
    const { api } = serve(
      () => [
        podOf("web-1", "ReplicaSet", "rs-web"),
        podOf("worker-1", "ReplicaSet", "rs-worker"),
        podOf("stray", "Deployment", "uid-web"),
        apiPod({ name: "bare" }),
      ],
      () => [replicaSet("rs-web", "web"), replicaSet("rs-worker", "worker")],
    );
    const read = createRollingPodReader(api, DEPLOYMENT);
    expect((await read("app=web")).map(({ name }) => name)).toEqual(["web-1"]);
  });

  test.each(["StatefulSet", "DaemonSet"])("are those that a %s controls", async (kind) => {
    const { api, paths } = serve(() => [podOf("a", kind, "uid-a"), podOf("b", kind, "uid-b")]);
    const read = createRollingPodReader(api, { ...DEPLOYMENT, kind, uid: "uid-a" });
    expect((await read("app=a")).map(({ name }) => name)).toEqual(["a"]);
    expect(paths).toEqual(["pods"]);
  });

  test("need the ReplicaSets again only if a pod names a new one", async () => {
    const sets = ["rs-1"];
    const { api, paths } = serve(
      () => [
        ...sets.map((uid) => podOf(`web-${uid}`, "ReplicaSet", uid)),
        podOf("x", "ReplicaSet", "y"),
      ],
      () => sets.map((uid) => replicaSet(uid, "web")),
    );
    const read = createRollingPodReader(api, DEPLOYMENT);
    expect([(await read("")).length, (await read("")).length]).toEqual([1, 1]);
    sets.push("rs-2");
    expect([(await read("")).length, (await read("")).length]).toEqual([2, 2]);
    expect(paths.filter((path) => path === "replicasets")).toHaveLength(2);
  });
});
