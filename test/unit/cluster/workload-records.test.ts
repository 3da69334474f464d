import { describe, expect, test } from "vitest";
import { templateRecord, workloadRecord } from "../../../src/cluster/workload-records.ts";

function revisions(currentRevision: string, updateRevision: string) {
  return { currentRevision, updateRevision };
}

describe("a pod template", () => {
  test("that is empty has the defaults", () => {
    const empty = {
      labels: {},
      annotations: {},
      hostNetwork: false,
      proxy: undefined,
      probed: true,
      windows: false,
    };
    expect(templateRecord(undefined)).toEqual(empty);
    expect(templateRecord({})).toEqual(empty);
  });

  test.each([
    [{ allowPrivilegeEscalation: false }, true],
    [{ allowPrivilegeEscalation: true }, false],
    [{}, false],
  ])("with the security context %j has a confined proxy: %s", (securityContext, confined) => {
    const containers = [{ name: "istio-proxy", securityContext }];
    expect(templateRecord({ spec: { containers } }).proxy).toMatchObject({ confined });
  });

  test.each([
    [
      "containers",
      { containers: [{ name: "istio-proxy", image: "auto", args: ["proxy"] }] },
      { image: "auto", args: ["proxy"], confined: false },
    ],
    [
      "initContainers",
      { containers: [], initContainers: [{ name: "istio-proxy", image: "own:1" }] },
      { image: "own:1", args: [], confined: false },
    ],
    [
      "without an image",
      { containers: [{ name: "istio-proxy" }] },
      { image: "", args: [], confined: false },
    ],
  ])("has its own proxy in %s", (_where, spec, proxy) => {
    expect(templateRecord({ spec }).proxy).toEqual(proxy);
  });

  const term = (operator: string, ...values: string[]) => ({
    matchExpressions: [
      { key: "disk", operator: "Exists" },
      { key: "kubernetes.io/os", operator, values },
    ],
  });
  const affinity = (...nodeSelectorTerms: object[]) => ({
    affinity: {
      nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } },
    },
  });

  test.each<[what: string, spec: object, windows: boolean]>([
    ["its os", { os: { name: "windows" } }, true],
    ["its os, which is Linux", { os: { name: "linux" } }, false],
    ["its node selector", { nodeSelector: { "kubernetes.io/os": "windows" } }, true],
    ["its old node selector", { nodeSelector: { "beta.kubernetes.io/os": "windows" } }, true],
    ["another node selector", { nodeSelector: { "kubernetes.io/os": "linux" } }, false],
    ["its node affinity", affinity(term("In", "windows")), true],
    ["a node affinity with a choice", affinity(term("In", "windows", "linux")), false],
    ["one of two node affinities", affinity(term("In", "windows"), term("In", "linux")), false],
    ["a node affinity that excludes it", affinity(term("NotIn", "windows")), false],
    ["an empty node affinity", affinity(), false],
    ["a malformed node affinity", affinity({ matchExpressions: 7 }), false],
    ["nothing", {}, false],
  ])("is for Windows by %s", (_what, spec, windows) => {
    expect(templateRecord({ spec: { containers: [], ...spec } }).windows).toBe(windows);
  });

  test("is probed if every container is", () => {
    const probed = { name: "a", readinessProbe: {} };
    expect(templateRecord({ spec: { containers: [probed] } }).probed).toBe(true);
    expect(templateRecord({ spec: { containers: [probed, { name: "b" }] } }).probed).toBe(false);
    // Injection adds a probe to the sidecar, even if the template has none.
    const proxy = { name: "istio-proxy", image: "auto" };
    expect(templateRecord({ spec: { containers: [probed, proxy] } }).probed).toBe(true);
    expect(templateRecord({ spec: { containers: [proxy, { name: "b" }] } }).probed).toBe(false);
  });
});

describe("a workload's rollout", () => {
  const metadata = { name: "w", namespace: "shop", uid: "u", generation: 3, resourceVersion: "7" };
  const selector = { matchLabels: { app: "w" } };
  const base = { spec: { selector, template: {} } };

  test("of a Deployment without settings has the API's defaults", () => {
    expect(workloadRecord("Deployment", { metadata, ...base })).toMatchObject({
      namespace: "shop",
      kind: "Deployment",
      uid: "u",
      pods: [],
      rollout: {
        kind: "Deployment",
        generation: 3,
        observedGeneration: 0,
        resourceVersion: "7",
        selector: { matchLabels: { app: "w" }, matchExpressions: [] },
        replicas: 1,
        paused: false,
        strategy: "RollingUpdate",
        surge: 1,
        unavailable: 0,
        status: { replicas: 0, updated: 0, available: 0 },
        conditions: [],
      },
    });
  });

  // The controllers round like this; the defaults are those of the API server.
  test.each([
    [undefined, undefined, 10, { surge: 3, unavailable: 2 }],
    [0, 1, 10, { surge: 0, unavailable: 1 }],
    ["0%", "0%", 10, { surge: 0, unavailable: 1 }],
    [2, 0, 10, { surge: 2, unavailable: 0 }],
    ["25%", "25%", 1, { surge: 1, unavailable: 0 }],
    ["10%", "100%", 25, { surge: 3, unavailable: 25 }],
  ])("with maxSurge %s and maxUnavailable %s of %i", (maxSurge, maxUnavailable, replicas, size) => {
    const rollingUpdate = { maxSurge: maxSurge as never, maxUnavailable: maxUnavailable as never };
    const spec = { ...base.spec, replicas, strategy: { rollingUpdate } };
    expect(workloadRecord("Deployment", { metadata, spec }).rollout).toMatchObject(size);
    const status = { desiredNumberScheduled: 25 } as never;
    const daemon = { rollingUpdate: { maxSurge: 0 as never, maxUnavailable: "10%" as never } };
    expect(
      workloadRecord("DaemonSet", {
        metadata,
        spec: { ...base.spec, updateStrategy: daemon },
        status,
      }).rollout,
    ).toMatchObject({ surge: 0, unavailable: 3 });
  });

  test("of a Deployment has its settings", () => {
    const object = {
      metadata,
      spec: { ...base.spec, replicas: 0, paused: true, strategy: { type: "Recreate" } },
      status: {
        observedGeneration: 3,
        replicas: 4,
        updatedReplicas: 3,
        availableReplicas: 2,
        conditions: [{ type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }],
      },
    };
    expect(workloadRecord("Deployment", object).rollout).toMatchObject({
      replicas: 0,
      paused: true,
      strategy: "Recreate",
      surge: 0,
      unavailable: 0,
      observedGeneration: 3,
      status: { replicas: 4, updated: 3, available: 2 },
      conditions: [
        { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded", message: "" },
      ],
    });
  });

  test("of a StatefulSet has its partition, and counts ready pods", () => {
    const object = {
      metadata,
      spec: {
        ...base.spec,
        serviceName: "w",
        replicas: 3,
        updateStrategy: { type: "OnDelete", rollingUpdate: { partition: 2 } },
      },
      status: { replicas: 3, readyReplicas: 2, updatedReplicas: 1 },
    };
    expect(workloadRecord("StatefulSet", object).rollout).toMatchObject({
      kind: "StatefulSet",
      replicas: 3,
      strategy: "OnDelete",
      partition: 2,
      status: { ready: 2, updated: 1 },
      surge: 0,
      unavailable: 1,
    });
  });

  test.each<[what: string, status: object, growing: boolean]>([
    ["without a status", {}, false],
    ["that creates its pods", { replicas: 1, updatedReplicas: 1, ...revisions("a", "a") }, true],
    ["that has no pod yet", revisions("a", "a"), true],
    ["that is updated", { replicas: 3, updatedReplicas: 1, ...revisions("a", "b") }, false],
    ["whose update was undone", { replicas: 3, updatedReplicas: 2, ...revisions("a", "a") }, false],
  ])("of a StatefulSet %s shows whether it replaces pods", (_what, status, growing) => {
    const object = { metadata, spec: { ...base.spec, serviceName: "w" }, status };
    expect(workloadRecord("StatefulSet", object).rollout).toMatchObject({ growing });
  });

  test("of a DaemonSet takes its counts from the fields of a DaemonSet", () => {
    const status = {
      desiredNumberScheduled: 5,
      updatedNumberScheduled: 4,
      numberAvailable: 3,
      currentNumberScheduled: 9,
      numberMisscheduled: 9,
      numberReady: 9,
      observedGeneration: 3,
    };
    expect(workloadRecord("DaemonSet", { metadata, ...base, status }).rollout).toMatchObject({
      kind: "DaemonSet",
      strategy: "RollingUpdate",
      observedGeneration: 3,
      status: { desired: 5, updated: 4, available: 3 },
    });
  });
});

test("a workload that another object controls names it", () => {
  const owner = { apiVersion: "x/v1", kind: "Revision", name: "hello", uid: "u" };
  const recordOf = (controller: boolean) =>
    workloadRecord("Deployment", { metadata: { ownerReferences: [{ ...owner, controller }] } });
  expect(recordOf(true).controller).toEqual({ kind: "Revision", name: "hello" });
  expect(recordOf(false)).not.toHaveProperty("controller");
});
