import { describe, expect, test } from "vitest";
import { ApiError } from "../../../src/http/api-error.ts";
import type { Api } from "../../../src/http/api.ts";
import type { ResponseObject } from "../../../src/http/request.ts";
import { readUsageSnapshot } from "../../../src/cluster/usage-snapshot.ts";
import { forbidden, respondingApi } from "../../support/build/scripted-api.ts";

const NAME = "gateway.networking.k8s.io";
const GROUP = `/apis/${NAME}`;

function groups(...served: object[]): ResponseObject {
  return { kind: "APIGroupList", groups: [{ name: "apps" }, ...served] };
}

/** A cluster that is empty except for these answers. */
function clusterWith(answers: Readonly<Record<string, ResponseObject | ApiError>>): Api {
  return respondingApi(({ path, kind }) => answers[path] ?? { kind, items: [] });
}

function refusal(status: number, message: string): ApiError {
  return new ApiError(message, { status, reason: "" });
}

describe("Gateways", () => {
  test("are empty if their API group is not installed", async () => {
    const api = clusterWith({ "/apis": groups() });
    expect(await readUsageSnapshot(api, "istio-system")).toMatchObject({ gateways: [], gaps: [] });
  });

  test("are listed in the version that the server prefers", async () => {
    const items = [{ metadata: { namespace: "shop", name: "public", labels: { a: "b" } } }];
    const api = clusterWith({
      "/apis": groups({ name: NAME, preferredVersion: { version: "v1beta1" } }),
      [`${GROUP}/v1beta1/gateways`]: { kind: "PartialObjectMetadataList", items },
    });
    expect((await readUsageSnapshot(api, "istio-system")).gateways).toEqual([
      { namespace: "shop", name: "public", labels: { a: "b" } },
    ]);
  });

  test.each([
    ["a 404 from a proxy", refusal(404, "404 page not found")],
    ["a list without groups", { kind: "APIGroupList" }],
  ])("are a gap after %s", async (_what, answer) => {
    const { gateways, gaps } = await readUsageSnapshot(
      clusterWith({ "/apis": answer }),
      "istio-system",
    );
    expect(gateways).toBeUndefined();
    expect(gaps).toMatchObject([{ verb: "list", resource: "gateways.gateway.networking.k8s.io" }]);
  });

  test("are a gap if the user is not allowed to list them", async () => {
    const api = clusterWith({
      "/apis": groups({ name: NAME, preferredVersion: { version: "v1" } }),
      [`${GROUP}/v1/gateways`]: refusal(403, 'User "jane" cannot list resource "gateways" in ...'),
    });
    const { gateways, gaps } = await readUsageSnapshot(api, "istio-system");
    expect(gateways).toBeUndefined();
    expect(gaps).toMatchObject([
      { verb: "list", resource: "gateways.gateway.networking.k8s.io", reason: "forbidden" },
    ]);
  });
});

const TEMPLATE = {
  metadata: { labels: { "istio.io/rev": "asm-1-27" } },
  spec: { containers: [{ name: "app", image: "a" }] },
};

function named(name: string, rest: object = {}): object {
  return { metadata: { namespace: "shop", name, uid: name, ...rest } };
}

function finished(type: string): object {
  return { status: { conditions: [{ type, status: "True" }] } };
}

const DEPLOYED = { controller: true, kind: "Deployment", name: "web", uid: "web" };
const BATCH = "/apis/batch/v1";

describe("template owners are", () => {
  test.each<[what: string, path: string, items: readonly object[], names: readonly string[]]>([
    [
      "CronJobs",
      `${BATCH}/cronjobs`,
      [{ ...named("nightly"), spec: { jobTemplate: { spec: { template: TEMPLATE } } } }],
      ["CronJob nightly"],
    ],
    [
      "Jobs that have not finished",
      `${BATCH}/jobs`,
      [
        { ...named("suspended"), spec: { suspend: true, template: TEMPLATE } },
        { ...named("running"), spec: { template: TEMPLATE }, ...finished("SuccessCriteriaMet") },
        { ...named("complete"), spec: { template: TEMPLATE }, ...finished("Complete") },
        { ...named("failed"), spec: { template: TEMPLATE }, ...finished("Failed") },
      ],
      ["Job suspended", "Job running"],
    ],
    [
      "ReplicationControllers",
      "/api/v1/replicationcontrollers",
      [{ ...named("old"), spec: { replicas: 0, template: TEMPLATE } }],
      ["ReplicationController old"],
    ],
  ])("%s", async (_what, path, items, names) => {
    const api = clusterWith({ "/apis": groups(), [path]: { items } });
    const { templateOwners, gaps } = await readUsageSnapshot(api, "istio-system");
    expect(gaps).toEqual([]);
    expect(templateOwners.map(({ kind, name }) => `${kind} ${name}`)).toEqual(names);
    expect(templateOwners[0]).toMatchObject({
      namespace: "shop",
      template: { labels: { "istio.io/rev": "asm-1-27" } },
    });
  });

  test("ReplicaSets without an owner that is read", async () => {
    const gone = { controller: true, kind: "CloneSet", name: "x", uid: "x" };
    const items = [
      { ...named("bare"), spec: { template: TEMPLATE } },
      { ...named("custom", { ownerReferences: [gone] }), spec: { template: TEMPLATE } },
      { ...named("web-1", { ownerReferences: [DEPLOYED] }), spec: { template: TEMPLATE } },
    ];
    const api = clusterWith({
      "/apis": groups(),
      "/apis/apps/v1/deployments": { items: [{ ...named("web"), spec: {} }] },
      "/apis/apps/v1/replicasets": { items },
      "/apis/apps/v1/namespaces/shop/replicasets": { items },
    });
    const { templateOwners } = await readUsageSnapshot(api, "istio-system");
    expect(templateOwners.map(({ name }) => name)).toEqual(["bare", "custom"]);
  });

  test("not read one by one, if every ReplicaSet belongs to a Deployment", async () => {
    const items = [named("web-1", { ownerReferences: [DEPLOYED] })];
    const api = clusterWith({
      "/apis": groups(),
      "/apis/apps/v1/deployments": { items: [{ ...named("web"), spec: {} }] },
      "/apis/apps/v1/replicasets": { items },
      "/apis/apps/v1/namespaces/shop/replicasets": refusal(500, "not expected"),
    });
    expect(await readUsageSnapshot(api, "istio-system")).toMatchObject({
      templateOwners: [],
      gaps: [],
    });
  });

  test.each([
    [`${BATCH}/cronjobs`, "cronjobs.batch"],
    [`${BATCH}/jobs`, "jobs.batch"],
    ["/api/v1/replicationcontrollers", "replicationcontrollers"],
    ["/apis/apps/v1/replicasets", "replicasets.apps"],
  ])("a gap if the user is not allowed to list %s", async (path, resource) => {
    const api = clusterWith({ "/apis": groups(), [path]: forbidden("list", resource) });
    const { gaps } = await readUsageSnapshot(api, "istio-system");
    expect(gaps).toMatchObject([{ verb: "list", resource, reason: "forbidden" }]);
  });
});

test("a Rollout whose template cannot be read is a gap, since it may name any revision", async () => {
  const owner = { kind: "Rollout", name: "odd", uid: "uid-odd", controller: true };
  const replicaSet = {
    metadata: { namespace: "shop", name: "odd-1", uid: "uid-1", ownerReferences: [owner] },
  };
  const odd = {
    metadata: { namespace: "shop", name: "odd", uid: "uid-odd" },
    spec: { template: { spec: { containers: {} } } },
  };
  const api = clusterWith({
    "/apis": groups(),
    "/apis/apps/v1/replicasets": { kind: "ReplicaSetList", items: [replicaSet] },
    "/apis/argoproj.io/v1alpha1/rollouts": { kind: "RolloutList", items: [odd] },
  });
  expect((await readUsageSnapshot(api, "istio-system")).gaps).toMatchObject([
    { resource: "rollout/odd", namespace: "shop", reason: "malformed" },
  ]);
});
