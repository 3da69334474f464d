import type { V1Deployment, V1ReplicaSet } from "@kubernetes/client-node";
import { describe, expect, test } from "vitest";
import {
  istiodRecord,
  readyEndpoints,
  releaseRecord,
  serviceRecord,
  webhookRecords,
} from "../../../src/cluster/control-plane-records.ts";

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

describe("a webhook is recorded if its rules match the creation of pods", () => {
  test.each<[what: string, change: Partial<Rule>, isRecorded: boolean]>([
    ["rules that name pods", {}, true],
    ["rules for any operation", { operations: ["*"] }, true],
    ["rules for any resource", { resources: ["*"] }, true],
    ["rules for any resource and subresource", { resources: ["*/*"] }, true],
    ["rules for any group and version", { apiGroups: ["*"], apiVersions: ["*"] }, true],
    ["rules for namespaced objects", { scope: "Namespaced" }, true],
    ["rules for cluster-wide objects only", { scope: "Cluster" }, false],
    ["rules for updates only", { operations: ["UPDATE"] }, false],
    ["rules for pods and their subresources", { resources: ["pods/*"] }, true],
    ["rules for subresources only", { resources: ["pods/exec", "*/status"] }, false],
    ["rules for other resources", { resources: ["services"] }, false],
    ["rules for another group", { apiGroups: ["apps"] }, false],
  ])("%s", (_what, change, isRecorded) => {
    expect(webhooks({ ...PODS, ...change })).toHaveLength(isRecorded ? 1 : 0);
  });
});

test("a webhook's record has the API's defaults", () => {
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

test("a Service without a selector has an empty one", () => {
  const plain = { name: "istiod", selector: {}, external: false };
  expect(serviceRecord({ metadata: { name: "istiod" } })).toEqual(plain);
  const external = { metadata: { name: "istiod" }, spec: { type: "ExternalName" } };
  expect(serviceRecord(external)).toEqual({ ...plain, external: true });
});

test("an endpoint is ready unless its condition says otherwise", () => {
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
  // Go writes an empty list as null, although the client's types exclude it.
  expect(readyEndpoints({ ...slice, endpoints: null as never })).toEqual(["istiod", 0]);
});

describe("the record of an istiod", () => {
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
    ["the variable REVISION", [{ name: "REVISION", value: "asm-1-27" }], "asm-1-27"],
    ["an empty variable: default", [{ name: "REVISION", value: "" }], "default"],
    ["no variable: default", [], "default"],
  ])("takes the revision from %s", (_what, env, revision) => {
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
  ])("with the variables %j has native sidecars %s", (env, native) => {
    expect(istiodRecord(istiod(env))).toHaveProperty("native", native);
  });

  const from = (valueFrom: object) => [{ name: "REVISION", valueFrom }];
  const field = (fieldPath: string) => from({ fieldRef: { fieldPath } });

  test.each<[what: string, container: object, revision: string | undefined]>([
    ["a label of its pods", { env: field("metadata.labels['istio.io/rev']") }, "canary"],
    ["an annotation of its pods", { env: field("metadata.annotations['rev']") }, "asm-1-28"],
    ["a label that its pods lack: default", { env: field("metadata.labels['other']") }, "default"],
    ["a field that is not read: unknown", { env: field("metadata.namespace") }, undefined],
    [
      "a ConfigMap: unknown",
      { env: from({ configMapKeyRef: { name: "a", key: "b" } }) },
      undefined,
    ],
    ["a whole ConfigMap: unknown", { envFrom: [{ configMapRef: { name: "a" } }] }, undefined],
    ["another variable: unknown", { env: [{ name: "REVISION", value: "$(REV)" }] }, undefined],
    [
      "the last of several variables",
      {
        env: [
          { name: "REVISION", value: "a" },
          { name: "REVISION", value: "b" },
        ],
      },
      "b",
    ],
  ])("takes the revision from %s", (_what, container, revision) => {
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
    ["its controller has not observed the change", { metadata: { generation: 3 } }],
    [
      "its pods are not updated",
      { status: { observedGeneration: 2, updatedReplicas: 1, availableReplicas: 2 } },
    ],
    [
      "its pods are not available",
      { status: { observedGeneration: 2, updatedReplicas: 2, availableReplicas: 1 } },
    ],
    [
      "an old pod accounts for an available one",
      { status: { observedGeneration: 2, replicas: 3, updatedReplicas: 2, availableReplicas: 2 } },
    ],
    ["it has no status", { status: {} }],
  ])("is not ready if %s", (_what, more) => {
    expect(istiodRecord(istiod([], more))).toMatchObject({ ready: false });
  });

  test("is not ready if it is scaled to zero", () => {
    const none = istiod([]);
    if (none.spec) none.spec.replicas = 0;
    none.status = { observedGeneration: 2, updatedReplicas: 0, availableReplicas: 0 };
    expect(istiodRecord(none)).toMatchObject({ ready: false });
  });

  test("does not exist for a Deployment with neither the label nor the variable", () => {
    const other: V1Deployment = {
      metadata: { name: "kiali" },
      spec: { selector: {}, template: {} },
    };
    expect(istiodRecord(other)).toBeUndefined();
  });
});

describe("the record of a ReplicaSet of istiod", () => {
  const CREATED = "2026-11-20T12:00:02Z";

  function replicaSet(annotations: Readonly<Record<string, string>>, app = "istiod"): V1ReplicaSet {
    const env = [{ name: "REVISION", value: "asm-1-27" }];
    const container = { name: "discovery", image: "pilot:v1.27.9-6" };
    return {
      // JSON has a string here, although the client's type is Date.
      metadata: { annotations, creationTimestamp: CREATED as unknown as Date },
      spec: {
        selector: {},
        template: {
          metadata: { labels: { app } },
          spec: { containers: [app === "istiod" ? { ...container, env } : container] },
        },
      },
    };
  }

  const ROLLOUT = "deployment.kubernetes.io/revision";

  test.each<[what: string, annotations: Readonly<Record<string, string>>, rollouts: number[]]>([
    ["one rollout", { [ROLLOUT]: "12" }, [12]],
    ["several rollouts", { [ROLLOUT]: "12", [`${ROLLOUT}-history`]: "9,2" }, [2, 9, 12]],
    ["no rollout", {}, []],
    ["texts that are no numbers", { [ROLLOUT]: "x", [`${ROLLOUT}-history`]: ",-3,1e3" }, []],
  ])("has its version and the numbers of %s", (_what, annotations, rollouts) => {
    expect(releaseRecord(replicaSet(annotations))).toEqual({
      revision: "asm-1-27",
      image: "pilot:v1.27.9-6",
      createdAt: CREATED,
      rollouts,
    });
  });

  test("does not exist for any other ReplicaSet", () => {
    expect(releaseRecord(replicaSet({}, "kiali"))).toBeUndefined();
    expect(releaseRecord({})).toBeUndefined();
  });
});
