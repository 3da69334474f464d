import type { V1Deployment } from "@kubernetes/client-node";
import { describe, expect, test } from "vitest";
import {
  istiodRecord,
  namespaceRecord,
  readyEndpoints,
  serviceRecord,
  templateRecord,
  webhookRecords,
  workloadRecord,
} from "../../../src/cluster/records.ts";

/** A rule as the API's JSON has it. */
interface Rule {
  operations: string[];
  apiGroups: string[];
  apiVersions: string[];
  resources: string[];
  scope?: string;
}

const PODS: Rule = {
  operations: ["CREATE"],
  apiGroups: [""],
  apiVersions: ["v1"],
  resources: ["pods"],
};

function webhooks(rule: Rule, more: object = {}) {
  const clientConfig = { service: { namespace: "aks-istio-system", name: "istiod-asm-1-27" } };
  const webhook = {
    name: "rev.namespace.sidecar-injector.istio.io",
    admissionReviewVersions: ["v1"],
    sideEffects: "None",
    clientConfig,
    rules: [rule],
    ...more,
  };
  return webhookRecords({
    metadata: { name: "config", labels: { "istio.io/tag": "prod" } },
    webhooks: [webhook],
  });
}

describe("a webhook is called for new pods", () => {
  test.each<[what: string, change: Partial<Rule>, called: boolean]>([
    ["by name", {}, true],
    ["by any operation", { operations: ["*"] }, true],
    ["by any resource", { resources: ["*"] }, true],
    ["by any resource and subresource", { resources: ["*/*"] }, true],
    ["by any group and version", { apiGroups: ["*"], apiVersions: ["*"] }, true],
    ["within namespaces", { scope: "Namespaced" }, true],
    ["not for cluster-wide objects only", { scope: "Cluster" }, false],
    ["not at updates only", { operations: ["UPDATE"] }, false],
    ["by itself and its subresources", { resources: ["pods/*"] }, true],
    ["not for subresources only", { resources: ["pods/exec", "*/status"] }, false],
    ["not for other resources", { resources: ["services"] }, false],
    ["not for another group", { apiGroups: ["apps"] }, false],
  ])("%s", (_what, change, called) => {
    expect(webhooks({ ...PODS, ...change })).toHaveLength(called ? 1 : 0);
  });
});

test("a webhook's record keeps what is decided upon, with the API's defaults", () => {
  expect(webhooks(PODS)).toEqual([
    {
      configuration: "config",
      name: "rev.namespace.sidecar-injector.istio.io",
      tag: "prod",
      service: { namespace: "aks-istio-system", name: "istiod-asm-1-27" },
      url: undefined,
      namespaceSelector: { matchLabels: {}, matchExpressions: [] },
      objectSelector: { matchLabels: {}, matchExpressions: [] },
      failurePolicy: "Fail",
      hasMatchConditions: false,
      trusted: false,
    },
  ]);
  const service = { namespace: "aks-istio-system", name: "istiod-asm-1-27" };
  expect(webhooks(PODS, { clientConfig: { service, caBundle: "Q0E=" } })).toMatchObject([
    { trusted: true },
  ]);
  const odd = {
    failurePolicy: "Ignore",
    matchConditions: [{ name: "a", expression: "true" }],
    clientConfig: { url: "https://istiod.example/inject" },
  };
  expect(webhooks(PODS, odd)).toMatchObject([
    { failurePolicy: "Ignore", hasMatchConditions: true, url: "https://istiod.example/inject" },
  ]);
  expect(webhookRecords({})).toEqual([]);
});

test("a namespace and a Service without labels and selector have empty ones", () => {
  expect(namespaceRecord({ metadata: { name: "shop" } })).toEqual({
    name: "shop",
    labels: {},
    annotations: {},
  });
  const plain = { name: "istiod", selector: {}, external: false };
  expect(serviceRecord({ metadata: { name: "istiod" } })).toEqual(plain);
  const external = { metadata: { name: "istiod" }, spec: { type: "ExternalName" } };
  expect(serviceRecord(external)).toEqual({ ...plain, external: true });
});

test("endpoints are ready unless they say that they are not", () => {
  const endpoint = (ready?: boolean) => ({
    addresses: ["10.0.0.1"],
    ...(ready === undefined ? {} : { conditions: { ready } }),
  });
  const slice = {
    addressType: "IPv4",
    metadata: { labels: { "kubernetes.io/service-name": "istiod" } },
    endpoints: [endpoint(true), endpoint(false), endpoint()],
  };
  expect(readyEndpoints(slice)).toEqual(["istiod", 2]);
  expect(readyEndpoints({ ...slice, endpoints: [] })).toEqual(["istiod", 0]);
  // Go writes an empty list as null, whatever the client's types say.
  expect(readyEndpoints({ ...slice, endpoints: null as never })).toEqual(["istiod", 0]);
});

describe("a control plane", () => {
  function istiod(env: object[], more: Partial<V1Deployment> = {}): V1Deployment {
    return {
      metadata: { name: "istiod-asm-1-27", generation: 2 },
      spec: {
        replicas: 2,
        selector: {},
        template: {
          metadata: { labels: { app: "istiod" } },
          spec: { containers: [{ name: "discovery", image: "pilot:1", env: env as never }] },
        },
      },
      status: { observedGeneration: 2, updatedReplicas: 2, availableReplicas: 2 },
      ...more,
    };
  }

  test.each<[what: string, env: object[], revision: string]>([
    ["its env", [{ name: "REVISION", value: "asm-1-27" }], "asm-1-27"],
    ["default where the env is empty", [{ name: "REVISION", value: "" }], "default"],
    ["default where there is no env", [], "default"],
  ])("has its revision from %s", (_what, env, revision) => {
    expect(istiodRecord(istiod(env))).toEqual({
      name: "istiod-asm-1-27",
      podLabels: { app: "istiod" },
      revision,
      image: "pilot:1",
      native: undefined,
      wanted: 2,
      ready: true,
    });
  });

  test.each<[env: object[], native: string | undefined]>([
    [[], undefined],
    [[{ name: "ENABLE_NATIVE_SIDECARS", value: "true" }], "true"],
    [[{ name: "ENABLE_NATIVE_SIDECARS", valueFrom: {} }], "auto"],
  ])("with env %j makes native sidecars: %s", (env, native) => {
    expect(istiodRecord(istiod(env))).toHaveProperty("native", native);
  });

  const from = (valueFrom: object) => [{ name: "REVISION", valueFrom }];
  const field = (fieldPath: string) => from({ fieldRef: { fieldPath } });

  test.each<[what: string, container: object, revision: string | undefined]>([
    ["a label of its pods", { env: field("metadata.labels['istio.io/rev']") }, "canary"],
    ["an annotation of its pods", { env: field("metadata.annotations['rev']") }, "asm-1-28"],
    ["a label that its pods lack", { env: field("metadata.labels['other']") }, "default"],
    ["another field", { env: field("metadata.namespace") }, undefined],
    ["a ConfigMap", { env: from({ configMapKeyRef: { name: "a", key: "b" } }) }, undefined],
    ["a ConfigMap as a whole", { envFrom: [{ configMapRef: { name: "a" } }] }, undefined],
    ["another variable", { env: [{ name: "REVISION", value: "$(REV)" }] }, undefined],
    [
      "the last of several",
      {
        env: [
          { name: "REVISION", value: "a" },
          { name: "REVISION", value: "b" },
        ],
      },
      "b",
    ],
  ])("has its revision from %s, as far as that is read", (_what, container, revision) => {
    const metadata = {
      labels: { app: "istiod", "istio.io/rev": "canary" },
      annotations: { rev: "asm-1-28" },
    };
    const beside = { name: "agent", image: "agent:1" };
    const containers = [beside, { name: "discovery", image: "pilot:1", ...container }];
    const template = { metadata, spec: { containers } };
    expect(istiodRecord(istiod([], { spec: { selector: {}, template } }))).toMatchObject({
      revision,
      image: "pilot:1",
    });
  });

  test.each<[what: string, more: Partial<V1Deployment>]>([
    ["its controller has not seen the change", { metadata: { generation: 3 } }],
    [
      "its pods are not updated",
      { status: { observedGeneration: 2, updatedReplicas: 1, availableReplicas: 2 } },
    ],
    [
      "its pods are not available",
      { status: { observedGeneration: 2, updatedReplicas: 2, availableReplicas: 1 } },
    ],
    [
      "an old pod is still there, and makes up for a new one",
      { status: { observedGeneration: 2, replicas: 3, updatedReplicas: 2, availableReplicas: 2 } },
    ],
    ["it has no status", { status: {} }],
  ])("is not ready where %s", (_what, more) => {
    expect(istiodRecord(istiod([], more))).toMatchObject({ ready: false });
  });

  test("scaled to zero is not ready", () => {
    const none = istiod([]);
    if (none.spec) none.spec.replicas = 0;
    none.status = { observedGeneration: 2, updatedReplicas: 0, availableReplicas: 0 };
    expect(istiodRecord(none)).toMatchObject({ ready: false });
  });

  test("is no Deployment without the label and the env", () => {
    const other: V1Deployment = {
      metadata: { name: "kiali" },
      spec: { selector: {}, template: {} },
    };
    expect(istiodRecord(other)).toBeUndefined();
  });
});

describe("a pod template", () => {
  test("that is empty asks for nothing", () => {
    const empty = {
      labels: {},
      annotations: {},
      hostNetwork: false,
      proxy: undefined,
      probed: true,
    };
    expect(templateRecord(undefined)).toEqual(empty);
    expect(templateRecord({})).toEqual(empty);
  });

  test.each([
    [{ allowPrivilegeEscalation: false }, true],
    [{ allowPrivilegeEscalation: true }, false],
    [{}, false],
  ])("says whether its own proxy is confined: %j", (securityContext, confined) => {
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

  test("is probed where every container is", () => {
    const probed = { name: "a", readinessProbe: {} };
    expect(templateRecord({ spec: { containers: [probed] } }).probed).toBe(true);
    expect(templateRecord({ spec: { containers: [probed, { name: "b" }] } }).probed).toBe(false);
    // Injection gives its own container a probe, whatever the template says of it.
    const proxy = { name: "istio-proxy", image: "auto" };
    expect(templateRecord({ spec: { containers: [probed, proxy] } }).probed).toBe(true);
    expect(templateRecord({ spec: { containers: [proxy, { name: "b" }] } }).probed).toBe(false);
  });
});

describe("a workload's rollout", () => {
  const metadata = { name: "w", namespace: "shop", uid: "u", generation: 3, resourceVersion: "7" };
  const selector = { matchLabels: { app: "w" } };
  const base = { spec: { selector, template: {} } };

  test("of a Deployment that says nothing has the API's defaults", () => {
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

  // As the controllers resolve them; the defaults are those of the API server.
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

  test("of a Deployment keeps what was set", () => {
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

  test("of a StatefulSet has its partition, and counts readiness", () => {
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

  test("of a DaemonSet has the API's names for its counts", () => {
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
