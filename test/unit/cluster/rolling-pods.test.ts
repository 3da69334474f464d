import { expect, test } from "vitest";
import { rollingPod } from "../../../src/cluster/rolling-pods.ts";

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
    trouble: undefined,
    unschedulable: undefined,
  });
});

test("a pod is unschedulable for the scheduler's reason Unschedulable only", () => {
  const unschedulable = (reason: string) => {
    const condition = { type: "PodScheduled", status: "False", reason, message: "0/3 nodes" };
    return rollingPod({ metadata, status: { conditions: [condition] } }).unschedulable;
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
