import { describe, expect, test } from "vitest";
import type { ApiPod } from "../../../src/cluster/api-objects.ts";
import { findBlocker } from "../../../src/cluster/pod-blocker.ts";
import type { Blocker } from "../../../src/snapshot.ts";
import { recordedPod } from "../../support/recorded-pods.ts";

const container = (name: string): Blocker => ({ kind: "container", container: name });
const init = (name: string): Blocker => ({ kind: "init", container: name });

describe("the blocker of a pod of a real kubelet, at last", () => {
  test.each<[recording: string, blocker: Blocker | undefined]>([
    ["healthy-classic", undefined],
    ["healthy-native", undefined],
    ["istio-proxy-never-ready-classic", container("istio-proxy")],
    ["istio-proxy-never-ready-native", container("istio-proxy")],
    ["istio-proxy-exits-native", container("istio-proxy")],
    ["app-never-ready-native", container("app")],
    ["app-never-starts-native", container("app")],
    ["app-exits-classic", container("app")],
    ["istio-init-exits-classic", init("istio-init")],
    ["istio-init-exits-native", init("istio-init")],
    ["setup-exits-native", init("setup")],
    ["setup-never-ends-native", init("setup")],
    ["volume-missing-native", { kind: "not-started" }],
  ])("%s", (recording, blocker) => {
    const pod = recordedPod(recording).versions.findLast(
      ({ pod: { metadata } }) => metadata?.deletionTimestamp === undefined,
    )?.pod;
    expect(pod && findBlocker(pod)).toEqual(blocker);
  });
});

describe("the blocker of a pod", () => {
  const running = { running: {} };
  const app = { name: "app", ready: false, started: true, state: running };
  const proxy = { ...app, name: "istio-proxy" };
  const node = { nodeName: "aks-1", containers: [] };

  test.each<[what: string, pod: ApiPod, blocker: Blocker | undefined]>([
    [
      "is the sidecar, if other containers are not ready either",
      { spec: node, status: { containerStatuses: [app, proxy] } },
      container("istio-proxy"),
    ],
    [
      "is a readiness gate, if all containers are ready",
      {
        spec: node,
        status: {
          containerStatuses: [{ ...app, ready: true }],
          conditions: [
            {
              type: "Ready",
              status: "False",
              reason: "ReadinessGatesNotReady",
              message: "the status of pod readiness gate is not True",
            },
          ],
        },
      },
      { kind: "gate", message: "the status of pod readiness gate is not True" },
    ],
    ["is unknown before it has a node", { spec: { containers: [] }, status: {} }, undefined],
    ["is unknown for a pod without status", {}, undefined],
    ["is nothing that a failed pod has", { spec: node, status: { phase: "Failed" } }, undefined],
    ["is that nothing has started", { spec: node, status: {} }, { kind: "not-started" }],
  ])("%s", (_what, pod, blocker) => {
    expect(findBlocker(pod)).toEqual(blocker);
  });
});
